/** LoRA adapters of a launch: attached and detached while it runs. */

import {
  ActionIcon,
  Button,
  Code,
  Group,
  NumberInput,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { launchActions, useLaunchAction } from '@/api/launches';
import type { AdapterRequest, LaunchDetail } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { ProblemAlert } from '@/ui/states';

export function Adapters({ launch, mayChange }: { launch: LaunchDetail; mayChange: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const act = useLaunchAction();
  const [error, setError] = useState<unknown>(null);
  const set = async (adapters: AdapterRequest[]) => {
    setError(null);
    try {
      await act(() => launchActions.setAdapters(launch.uid, adapters));
      return true;
    } catch (problem) {
      setError(problem);
      return false;
    }
  };
  const there = launch.adapters as AdapterRequest[];
  return (
    <Stack gap="sm">
      {there.length ? (
        <Table aria-label={t('running.settings.adapters')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('launch.adapters.calledAs')}</Table.Th>
              <Table.Th>{t('launch.adapters.from')}</Table.Th>
              <Table.Th>{t('launch.adapters.scale')}</Table.Th>
              <Table.Th>{t('running.actions')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {there.map((adapter) => (
              <Table.Tr key={adapter.name}>
                <Table.Td>
                  <Code>{`${launch.uid}:${adapter.name}`}</Code>
                </Table.Td>
                <Table.Td>{adapter.path || adapter.source?.id}</Table.Td>
                <Table.Td>{format.count(adapter.scale ?? 1)}</Table.Td>
                <Table.Td>
                  {mayChange && (
                    <ActionIcon
                      variant="subtle"
                      color="red"
                      aria-label={t('launch.adapters.detach', { name: adapter.name })}
                      onClick={() => void set(there.filter((one) => one.name !== adapter.name))}
                    >
                      <IconTrash size={16} />
                    </ActionIcon>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      ) : (
        <Text size="sm" c="dimmed">
          {t('launch.adapters.none')}
        </Text>
      )}
      {mayChange && (
        <NewAdapter add={(adapter) => set([...there, adapter])} action={t('launch.adapters.attach')} />
      )}
      <ProblemAlert error={error} />
    </Stack>
  );
}

/** `add` says whether it was taken; then the fields are empty again. */
export function NewAdapter({
  add,
  action,
}: {
  add: (adapter: AdapterRequest) => Promise<boolean>;
  action: string;
}) {
  const { t } = useTranslation();
  const mayOpenFiles = useMay()('launches.unsafe');
  const [name, setName] = useState('');
  const [from, setFrom] = useState<string>('huggingface');
  const [what, setWhat] = useState('');
  const [scale, setScale] = useState<string | number>(1);
  const submit = async () => {
    const adapter: AdapterRequest = { name, scale: Number(scale) || 1 };
    if (from === 'path') adapter.path = what;
    else adapter.source = { hub: from as 'huggingface', id: what } as AdapterRequest['source'];
    if (await add(adapter)) {
      setName('');
      setWhat('');
      setScale(1);
    }
  };
  // It may stand within another form.
  const enter = (event: FormEvent | React.KeyboardEvent) => {
    // A choice of the list took it.
    if (event.defaultPrevented) return;
    if ('key' in event && event.key !== 'Enter') return;
    event.preventDefault();
    if (name && what) void submit();
  };
  return (
    <Group align="flex-end" gap="sm" onKeyDown={enter}>
      <TextInput
        label={t('common.name')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        w={150}
      />
      <Select
        label={t('launch.adapters.from')}
        data={[
          { value: 'huggingface', label: 'Hugging Face' },
          { value: 'modelscope', label: 'ModelScope' },
          ...(mayOpenFiles ? [{ value: 'path', label: t('launch.adapters.path') }] : []),
        ]}
        value={from}
        onChange={(value) => setFrom(value ?? 'huggingface')}
        allowDeselect={false}
        w={160}
      />
      <TextInput
        label={t(from === 'path' ? 'launch.path' : 'launch.repository')}
        placeholder={from === 'path' ? '/models/lora.gguf' : 'owner/name'}
        value={what}
        onChange={(event) => setWhat(event.currentTarget.value)}
        w={240}
      />
      <NumberInput label={t('launch.adapters.scale')} value={scale} onChange={setScale} step={0.1} w={100} />
      <Button
        variant="default"
        leftSection={<IconPlus size={14} aria-hidden />}
        disabled={!name || !what}
        onClick={() => void submit()}
      >
        {action}
      </Button>
    </Group>
  );
}
