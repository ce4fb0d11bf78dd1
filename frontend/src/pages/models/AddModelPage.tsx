/** Any model of a hub, a path or an address: pasted, looked at, launched or registered. */

import { Anchor, Button, Group, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconFileImport, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { nodesQuery } from '@/api/nodes';
import { sourceQuery } from '@/api/sources';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { message } from '@/ui/problems';
import { Empty, Waiting } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { type AddSearch, readAddSearch } from './addSearch';
import { LookedSource } from './LookedSource';

const EXAMPLES = ['Qwen/Qwen3-0.6B', 'unsloth/Qwen3-8B-GGUF', 'https://modelscope.cn/models/Qwen/Qwen3-4B'];

export default function AddModelPage() {
  const { t } = useTranslation();
  const may = useMay();
  const [search, change] = useUrl(readAddSearch);
  const found = useQuery(
    sourceQuery({
      from: search.from,
      hub: search.hub || undefined,
      quantization: search.quantization || undefined,
      node: search.node || undefined,
    }),
  );
  return (
    <Page title={t('models.add.title')} about={t('models.add.about')} needs="launches.write">
      <Ask key={search.from} search={search} change={change} error={found.error} busy={found.isFetching} />
      {!search.from && (
        <Empty icon={<IconFileImport size={26} />} title={t('models.add.empty')}>
          <Stack gap={4} align="center">
            {t('models.add.examples')}
            {EXAMPLES.map((example) => (
              <Anchor
                key={example}
                component="button"
                type="button"
                size="sm"
                onClick={() => change({ from: example })}
              >
                {example}
              </Anchor>
            ))}
            {may('launches.unsafe') ? t('models.add.paths') : t('models.add.noPaths')}
          </Stack>
        </Empty>
      )}
      {search.from && found.isPending && <Waiting />}
      {found.data && (
        <LookedSource
          found={found.data}
          chooseQuantization={(quantization) => change({ quantization })}
          busy={found.isFetching}
        />
      )}
    </Page>
  );
}

type AskProps = {
  search: AddSearch;
  change: (some: Partial<AddSearch>) => void;
  error: unknown;
  busy: boolean;
};

function Ask({ search, change, error, busy }: AskProps) {
  const { t } = useTranslation();
  const may = useMay();
  const [typed, setTyped] = useState(search.from);
  const nodes = useQuery({ ...nodesQuery, enabled: may('nodes.read') });
  const up = (nodes.data ?? []).filter((node) => node.state === 'up').map((node) => node.name);
  const look = (event: FormEvent) => {
    event.preventDefault();
    change({ from: typed.trim(), quantization: '' });
  };
  // Only a bare owner/name may be of either hub.
  const isBare = /^[\w.-]+\/[\w.:-]+$/.test(typed.trim());
  return (
    <form onSubmit={look}>
      <Stack gap="xs">
        <Group align="flex-end" gap="sm">
          <TextInput
            label={t('models.add.from')}
            description={t('models.add.fromHelp')}
            placeholder="owner/name"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            error={error ? message(error) : undefined}
            flex={1}
            miw={240}
            data-autofocus
          />
          {up.length > 1 && (
            <Select
              label={t('models.add.node')}
              data={up}
              value={search.node || null}
              placeholder={up[0]}
              onChange={(node) => change({ node: node ?? '' })}
              clearable
              w={160}
            />
          )}
          <Button
            type="submit"
            leftSection={<IconSearch size={16} />}
            loading={busy}
            disabled={!typed.trim()}
          >
            {t('models.add.look')}
          </Button>
        </Group>
        {isBare && (
          <Group gap="xs">
            <Text size="sm" id="of-hub">
              {t('models.add.hub')}
            </Text>
            <SegmentedControl
              size="xs"
              aria-labelledby="of-hub"
              value={search.hub}
              onChange={(hub) => change({ hub: hub as AddSearch['hub'] })}
              data={[
                { value: '', label: t('models.add.anyHub') },
                { value: 'huggingface', label: 'Hugging Face' },
                { value: 'modelscope', label: 'ModelScope' },
              ]}
            />
          </Group>
        )}
      </Stack>
    </form>
  );
}
