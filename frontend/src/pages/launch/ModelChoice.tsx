/** What is launched: a family of the catalogue in one of its forms, a repository, or a path. */

import { Group, SegmentedControl, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { catalogueQuery, KINDS, type Kind, waysQuery } from '@/api/catalogue';
import type { EngineEstimate } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { message } from '@/ui/problems';
import { ProblemAlert } from '@/ui/states';
import { type LaunchSearch, readSource, writeSource } from './search';
import { type Choosable, choosable } from './ways';

type Props = {
  choice: LaunchSearch;
  change: (some: Partial<LaunchSearch>) => void;
  /** what is taken where nothing is chosen */
  taken: EngineEstimate | undefined;
  error: (field: string) => string | undefined;
};

const NOTHING = { name: '', size: '', format: '', quantization: '', engine: '', path: '', source: '' };
const FORMS = ['size', 'format', 'quantization'] as const;

export function ModelChoice({ choice, change, taken, error }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const [way, setWay] = useState<'catalogue' | 'repository' | 'path'>(
    choice.path ? 'path' : choice.source ? 'repository' : 'catalogue',
  );
  const ways = ['catalogue', 'repository', ...(may('launches.unsafe') ? ['path'] : [])] as (typeof way)[];
  const lines = useQuery({ ...catalogueQuery, enabled: way === 'catalogue' }).data;
  // An address may name a family alone.
  const kind =
    KINDS.find((one) => one === choice.kind) ??
    (choice.name ? lines?.find((line) => line.name === choice.name)?.kind : undefined);
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label={t('launch.from.label')}
        value={way}
        onChange={(value) => {
          setWay(value as typeof way);
          change(NOTHING);
        }}
        data={ways.map((one) => ({ value: one, label: t(`launch.from.${one}`) }))}
      />
      <Group align="flex-start" grow preventGrowOverflow={false}>
        <Select
          label={t('running.kind')}
          data={KINDS.map((one) => ({ value: one, label: t(`launch.kinds.${one}`) }))}
          value={kind ?? null}
          onChange={(value) => change({ ...(way === 'catalogue' ? NOTHING : {}), kind: value ?? '' })}
          placeholder={t(way === 'catalogue' ? 'launch.from.anyKind' : 'launch.from.tellKind')}
          clearable
          maw={190}
          error={error('kind')}
        />
        {way === 'catalogue' && <FamilyChoice {...{ choice, change, error, kind }} />}
        {way === 'repository' && <RepositoryChoice {...{ choice, change, error }} />}
        {way === 'path' && (
          <TextInput
            label={t('launch.path')}
            description={t('launch.pathHelp')}
            placeholder="/models/model.gguf"
            value={choice.path}
            onChange={(event) => change({ path: event.currentTarget.value })}
            error={error('model_path') ?? error('path')}
            required
          />
        )}
      </Group>
      {way === 'catalogue' && choice.name && kind && <Forms {...{ choice, change, taken, error, kind }} />}
      {way !== 'catalogue' && (
        <TextInput
          label={t('launch.quantization')}
          description={t('launch.quantizationHelp')}
          placeholder={taken?.quantization ?? 'Q4_K_M'}
          value={choice.quantization}
          onChange={(event) => change({ quantization: event.currentTarget.value })}
          error={error('quantization')}
          maw={340}
        />
      )}
    </Stack>
  );
}

function FamilyChoice({
  choice,
  change,
  error,
  kind: chosen,
}: Omit<Props, 'taken'> & { kind: Kind | undefined }) {
  const { t } = useTranslation();
  const query = useQuery(catalogueQuery);
  const data = useMemo(() => {
    const lines = (query.data ?? []).filter((line) => !choice.kind || line.kind === choice.kind);
    // One name may be of two kinds.
    return lines.map((line) => ({ value: `${line.kind}/${line.name}`, label: line.name }));
  }, [query.data, choice.kind]);
  return (
    <Select
      label={t('running.model')}
      placeholder={query.isLoading ? t('common.loading') : t('launch.from.find')}
      searchable
      limit={60}
      required
      data={data}
      value={choice.name ? `${chosen}/${choice.name}` : null}
      onChange={(value) => {
        const [kind = '', ...name] = (value ?? '').split('/');
        change({ ...NOTHING, ...(value ? { kind: kind as Kind } : {}), name: name.join('/') });
      }}
      nothingFoundMessage={t('launch.from.nothing')}
      error={error('family') ?? (query.isError ? message(query.error) : undefined)}
      clearable
    />
  );
}

function RepositoryChoice({ choice, change, error }: Omit<Props, 'taken'>) {
  const { t } = useTranslation();
  const source = readSource(choice.source);
  const set = (some: Partial<typeof source>) => change({ source: writeSource({ ...source, ...some }) });
  return (
    <>
      <Select
        label={t('launch.hub')}
        data={[
          { value: 'huggingface', label: 'Hugging Face' },
          { value: 'modelscope', label: 'ModelScope' },
        ]}
        value={source.hub}
        onChange={(value) => set({ hub: value === 'modelscope' ? 'modelscope' : 'huggingface' })}
        allowDeselect={false}
        maw={160}
      />
      <TextInput
        label={t('launch.repository')}
        placeholder="owner/name"
        value={source.id}
        onChange={(event) => set({ id: event.currentTarget.value.trim() })}
        error={error('source') ?? error('family') ?? error('name')}
        required
      />
      <TextInput
        label={t('launch.revision')}
        placeholder="main"
        value={source.revision}
        onChange={(event) => set({ revision: event.currentTarget.value.trim() })}
        maw={140}
      />
    </>
  );
}

function Forms({ choice, change, taken, error, kind }: Props & { kind: Kind }) {
  const { t } = useTranslation();
  const format = useFormat();
  const query = useQuery(waysQuery(kind, choice.name));
  const ways = query.data?.ways ?? [];
  const label = (field: (typeof FORMS)[number], one: Choosable) => {
    const name = field === 'size' ? `${one.value} B` : one.value;
    if (!one.runs || !one.fits) return `${name} · ${one.reason || t('launch.forms.tooBig')}`;
    return one.memory ? `${name} · ${format.bytes(one.memory)}` : name;
  };
  return (
    <>
      <ProblemAlert error={query.error} />
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        {FORMS.map((field) => {
          const found = choosable(ways, field, choice);
          if (!found.length) return null;
          return (
            <Select
              key={field}
              label={t(`launch.${field}`)}
              data={found.map((one) => ({
                value: one.value,
                label: label(field, one),
                // What does not fit may still be started, if one says so.
                disabled: !one.runs,
              }))}
              value={choice[field] || null}
              onChange={(value) => change({ [field]: value ?? '', engine: '' })}
              placeholder={t('launch.forms.chosen', { value: taken?.[field] || '…' })}
              error={error(field)}
              clearable
              comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
            />
          );
        })}
      </SimpleGrid>
      <Text size="xs" c="dimmed">
        {t('launch.forms.help')}
      </Text>
    </>
  );
}
