import { Anchor, Group, Select, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconClipboardList } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { auditFile, auditQuery } from '@/api/audit';
import type { Entry } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay, useMe } from '@/session/session';
import { ExportMenu } from '@/ui/ExportMenu';
import { type Column, LongTable } from '@/ui/LongTable';
import { Page } from '@/ui/Page';
import { Empty, Placeholder, Problem, ProblemAlert } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { EntryDetails, OutcomeBadge } from './audit/EntryDetails';
import { asFilter, OUTCOMES, read } from './audit/search';

/** Typing asks once, when it pauses. */
const PAUSE_MS = 300;

export default function AuditPage() {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <Page
      title={t('audit.title')}
      about={t('audit.about')}
      needs="audit.read"
      actions={may('audit.read') && <Export />}
    >
      <Filters />
      <Entries />
    </Page>
  );
}

function Export() {
  const me = useMe();
  const [url] = useUrl(read);
  return (
    <ExportMenu
      name="audit"
      forms={['csv', 'jsonl'] as const}
      address={(form) => auditFile(asFilter(url), form, me?.project ?? '')}
    />
  );
}

function Filters() {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl(read);
  const words = (name: 'who' | 'action' | 'thing' | 'id' | 'text', placeholder?: string) => (
    <TextInput
      label={t(`audit.${name}`)}
      placeholder={placeholder}
      w={150}
      value={url[name]}
      onChange={(event) => setUrl({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <Group align="flex-end">
      {words('who')}
      {words('action', 'key.create')}
      {words('thing', 'key')}
      {words('id')}
      <Select
        label={t('audit.outcome')}
        placeholder={t('common.all')}
        w={140}
        clearable
        clearButtonProps={{ 'aria-label': t('usage.clear') }}
        data={OUTCOMES.map((one) => ({ value: one, label: t(`audit.outcomes.${one}`) }))}
        value={url.outcome || null}
        onChange={(outcome) => setUrl({ outcome: OUTCOMES.find((one) => one === outcome) ?? '' })}
      />
      {words('text')}
      <TextInput
        type="date"
        label={t('usage.from')}
        value={url.since}
        onChange={(event) => setUrl({ since: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        label={t('usage.to')}
        value={url.until}
        onChange={(event) => setUrl({ until: event.currentTarget.value })}
      />
    </Group>
  );
}

function Entries() {
  const { t } = useTranslation();
  const format = useFormat();
  const [url] = useUrl(read);
  const [asked] = useDebouncedValue(url, PAUSE_MS);
  const pages = useInfiniteQuery(auditQuery(asFilter(asked)));
  const [opened, setOpened] = useState<Entry | null>(null);
  const rows = useMemo(() => (pages.data?.pages ?? []).flatMap((page) => page.entries), [pages.data]);
  const columns = useMemo<Column<Entry>[]>(
    () => [
      {
        id: 'at',
        title: t('audit.at'),
        width: '14.5rem',
        show: (entry) => format.moment(entry.at),
      },
      { id: 'who', title: t('audit.who'), width: 'minmax(7rem, 1fr)', show: (entry) => entry.who },
      {
        id: 'action',
        title: t('audit.action'),
        width: 'minmax(10rem, 1fr)',
        show: (entry) => (
          <Anchor component="button" size="sm" onClick={() => setOpened(entry)}>
            {entry.action}
          </Anchor>
        ),
      },
      {
        id: 'thing',
        title: t('audit.thing'),
        width: 'minmax(10rem, 2fr)',
        show: (entry) => `${entry.thing} ${entry.thing_id}`,
      },
      { id: 'project', title: t('keys.project'), show: (entry) => entry.project || '–' },
      {
        id: 'outcome',
        title: t('audit.outcome'),
        width: '8rem',
        show: (entry) => <OutcomeBadge outcome={entry.outcome} />,
      },
      { id: 'address', title: t('profile.address'), show: (entry) => entry.address || '–' },
    ],
    [t, format],
  );
  if (pages.isPending) return <Placeholder lines={8} />;
  if (!pages.data) return <Problem error={pages.error} retry={() => void pages.refetch()} />;
  if (!rows.length)
    return (
      <Empty icon={<IconClipboardList size={26} />} title={t('audit.empty')}>
        {t('audit.emptyHelp')}
      </Empty>
    );
  return (
    <>
      <ProblemAlert error={pages.error} retry={() => void pages.fetchNextPage()} />
      <LongTable
        label={t('audit.title')}
        rows={rows}
        columns={columns}
        rowId={(entry) => String(entry.id)}
        onOpen={setOpened}
        onEnd={() => pages.hasNextPage && !pages.isFetchingNextPage && void pages.fetchNextPage()}
      />
      <Text size="sm" c="dimmed" role="status">
        {pages.isFetchingNextPage
          ? t('common.loading')
          : pages.hasNextPage
            ? t('audit.shownSoFar', { count: rows.length, number: format.count(rows.length) })
            : t('audit.shownAll', { count: rows.length, number: format.count(rows.length) })}
      </Text>
      {opened && <EntryDetails entry={opened} close={() => setOpened(null)} />}
    </>
  );
}
