import { Group, Paper, SegmentedControl, Select, SimpleGrid, Text, TextInput } from '@mantine/core';
import { IconChartBar } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { keysQuery } from '@/api/keys';
import type { Usage } from '@/api/schema';
import { type UsageAsked, usageFile, usageQuery } from '@/api/usage';
import { useFormat } from '@/format/useFormat';
import { useMay, useMe } from '@/session/session';
import { ExportMenu } from '@/ui/ExportMenu';
import { Page } from '@/ui/Page';
import { StackedBars } from '@/ui/StackedBars';
import { Empty, Loaded } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { type By, bars, sums } from './usage/buckets';
import { RANGES, ranged, read } from './usage/range';
import { UsageTable } from './usage/UsageTable';

export default function UsagePage() {
  const { t } = useTranslation();
  return (
    <Page title={t('usage.title')} about={t('usage.about')} needs="usage.own" actions={<Export />}>
      <Filters />
      <Numbers />
    </Page>
  );
}

function useAsked() {
  const [url, setUrl] = useUrl(read);
  const { from, to, step } = useMemo(() => ranged(url), [url]);
  const asked: UsageAsked = {
    from,
    ...(to && { to }),
    group: `${step},${url.by}`,
    ...(url.key && { key: url.key }),
    ...(url.user && { user: url.user }),
    ...(url.model && { model: url.model }),
  };
  return { url, setUrl, asked, step };
}

function Export() {
  const me = useMe();
  const { asked } = useAsked();
  return (
    <ExportMenu
      name="usage"
      forms={['csv', 'json'] as const}
      address={(form) => usageFile(asked, form, me?.project ?? '')}
    />
  );
}

function Filters() {
  const { t } = useTranslation();
  const may = useMay();
  const me = useMe();
  const { url, setUrl } = useAsked();
  const keys = useQuery({ ...keysQuery, enabled: may('keys.own') });
  const bys: By[] = ['model', 'key'];
  if (may('usage.read')) bys.push('user');
  if (!me?.project) bys.push('project');
  return (
    <Group align="flex-end">
      <Select
        label={t('usage.range')}
        w={170}
        data={RANGES.map((range) => ({ value: range, label: t(`usage.ranges.${range}`) }))}
        value={url.range}
        allowDeselect={false}
        onChange={(range) => setUrl({ range: RANGES.find((one) => one === range) ?? '30d' })}
      />
      {url.range === 'custom' && (
        <>
          <TextInput
            type="date"
            label={t('usage.from')}
            value={url.from}
            onChange={(event) => setUrl({ from: event.currentTarget.value })}
          />
          <TextInput
            type="date"
            label={t('usage.to')}
            value={url.to}
            onChange={(event) => setUrl({ to: event.currentTarget.value })}
          />
        </>
      )}
      <Select
        label={t('usage.by')}
        w={150}
        data={bys.map((by) => ({ value: by, label: t(`usage.bys.${by}`) }))}
        value={url.by}
        allowDeselect={false}
        onChange={(by) => setUrl({ by: bys.find((one) => one === by) ?? 'model' })}
      />
      <Select
        label={t('usage.ofKey')}
        placeholder={t('common.all')}
        w={190}
        data={(keys.data ?? []).map((key) => ({ value: key.id, label: `${key.name} (${key.owner})` }))}
        value={url.key || null}
        clearable
        clearButtonProps={{ 'aria-label': t('usage.clear') }}
        searchable
        onChange={(key) => setUrl({ key: key ?? '' })}
      />
      <TextInput
        label={t('usage.ofModel')}
        placeholder={t('common.all')}
        w={160}
        value={url.model}
        onChange={(event) => setUrl({ model: event.currentTarget.value.trim() })}
      />
      {may('usage.read') && (
        <TextInput
          label={t('usage.ofUser')}
          placeholder={t('common.all')}
          w={140}
          value={url.user}
          onChange={(event) => setUrl({ user: event.currentTarget.value.trim() })}
        />
      )}
    </Group>
  );
}

function Numbers() {
  const { t } = useTranslation();
  const { asked } = useAsked();
  const usage = useQuery(usageQuery(asked));
  return (
    <Loaded
      query={usage}
      isEmpty={(found) => !found.rows.length}
      empty={
        <Empty icon={<IconChartBar size={26} />} title={t('usage.empty')}>
          {t('usage.emptyHelp')}
        </Empty>
      }
    >
      {(found) => <Shown usage={found} />}
    </Loaded>
  );
}

function Shown({ usage }: { usage: Usage }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const { url, setUrl, step } = useAsked();
  const keys = useQuery({ ...keysQuery, enabled: may('keys.own') });
  const keyNames = useMemo(() => new Map((keys.data ?? []).map((key) => [key.id, key.name])), [keys.data]);
  const called = useCallback(
    (name: string) => (url.by === 'key' ? (keyNames.get(name) ?? name) : name) || t('usage.nobody'),
    [url.by, keyNames, t],
  );
  const total = sums(usage.rows, null)[0];
  const chart = useMemo(
    () =>
      bars(
        usage.rows,
        { by: url.by, step, measure: url.measure, from: usage.from, to: usage.to },
        t('usage.others'),
      ),
    [usage, url.by, url.measure, step, t],
  );
  if (!total) return null;
  const shownAs = (value: number) =>
    url.measure === 'cost' ? format.money(value, usage.currency) : format.count(value);
  const facts: [string, string][] = [
    [t('usage.requests'), format.count(total.requests)],
    [t('usage.errors'), format.count(total.errors)],
    [t('usage.prompt'), format.count(total.prompt)],
    [t('usage.completion'), format.count(total.completion)],
    [t('usage.cost'), format.money(total.cost, usage.currency)],
  ];
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 5 }} component="dl" m={0}>
        {facts.map(([name, value]) => (
          <Paper key={name} withBorder p="sm">
            <Text component="dt" size="xs" c="dimmed">
              {name}
            </Text>
            <Text component="dd" m={0} size="xl" fw={700}>
              {value}
            </Text>
          </Paper>
        ))}
      </SimpleGrid>
      <Paper withBorder p="md">
        <SegmentedControl
          mb="sm"
          aria-label={t('usage.measure')}
          data={[
            { value: 'requests', label: t('usage.requests') },
            { value: 'tokens', label: t('usage.tokens') },
            { value: 'cost', label: t('usage.cost') },
          ]}
          value={url.measure}
          onChange={(measure) => setUrl({ measure: measure as typeof url.measure })}
        />
        <StackedBars
          label={t('usage.chart', { what: t(`usage.${url.measure}`), by: t(`usage.bys.${url.by}`) })}
          names={chart.times.map((at) =>
            step === 'hour' ? format.moment(new Date(at)) : format.day(new Date(at), 'UTC'),
          )}
          parts={chart.parts.map((part) => ({ ...part, name: called(part.name) }))}
          format={shownAs}
        />
      </Paper>
      <UsageTable rows={sums(usage.rows, url.by)} by={url.by} currency={usage.currency} called={called} />
    </>
  );
}
