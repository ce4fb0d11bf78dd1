/** All that happened to launches, replicas and machines, as it happens; what is chosen is in the address. */

import { Button, Group, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { IconHistory, IconPlayerPause, IconPlayerPlay, IconSearch, IconX } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LoggedEvent } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { inWords } from '@/i18n/reasons';
import { CopyIcon } from '@/ui/Copy';
import { type Column, LongTable } from '@/ui/LongTable';
import { RowLink } from '@/ui/links';
import { Page } from '@/ui/Page';
import { Empty, Loaded, ProblemAlert } from '@/ui/states';
import { ModelChoice, NodeChoice } from './choices';
import { EventChange, EventThing } from './EventParts';
import { filtered } from './eventList';
import type { EventsSearch } from './search';
import { useEvents } from './useEvents';
import { useUrlText } from './useUrlText';
import { whoDid } from './whoDid';

const KINDS = ['launch', 'replica', 'node', 'model'] as const;

export default function EventsPage() {
  const { t } = useTranslation();
  return (
    <Page title={t('events.title')} about={t('events.about')} needs="events.read">
      <Events />
    </Page>
  );
}

function Events() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as EventsSearch;
  const { model, node, replica, kind, bad } = search;
  const [paused, setPaused] = useState(false);
  const choice = useMemo(() => ({ model, node, replica }), [model, node, replica]);
  const { query, events, hasAll, held, loadOlder, busy, olderError } = useEvents(choice, paused);
  const change = (some: Partial<EventsSearch>) =>
    void navigate({ to: '/events', search: { ...search, ...some }, replace: true });
  const [text, setText] = useUrlText(search.text, (now) => change({ text: now }));
  const wanted = useDeferredValue(text);
  const shown = useMemo(() => filtered(events, { kind, bad, text: wanted }), [events, kind, bad, wanted]);

  const columns = useMemo<Column<LoggedEvent>[]>(
    () => [
      {
        id: 'at',
        title: t('events.column.at'),
        width: '13.5rem',
        show: (event) => <time dateTime={event.at}>{format.moment(event.at)}</time>,
      },
      {
        id: 'thing',
        title: t('events.column.thing'),
        width: 'minmax(9rem, 1fr)',
        show: (event) => <EventThing event={event} />,
      },
      {
        id: 'change',
        title: t('events.column.change'),
        width: '13.5rem',
        show: (event) => <EventChange event={event} />,
      },
      {
        id: 'why',
        title: t('events.column.why'),
        width: 'minmax(8rem, 2fr)',
        show: (event) => <span title={why(event)}>{why(event) || '–'}</span>,
      },
      {
        id: 'node',
        title: t('events.column.node'),
        width: 'minmax(5rem, 0.6fr)',
        show: (event) =>
          event.node ? <RowLink to={`/nodes/${encodeURIComponent(event.node)}`}>{event.node}</RowLink> : '–',
      },
      {
        id: 'who',
        title: t('events.column.who'),
        width: 'minmax(8.5rem, 0.6fr)',
        show: (event) => <span title={event.who}>{whoDid(event.who)}</span>,
      },
    ],
    [t, format],
  );

  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-end" role="search" aria-label={t('events.filters')}>
        <ModelChoice value={model} choose={(value) => change({ model: value, replica: undefined })} />
        <NodeChoice value={node} choose={(value) => change({ node: value })} />
        <Select
          size="sm"
          w={140}
          label={t('events.kind')}
          placeholder={t('common.all')}
          clearable
          data={KINDS.map((one) => ({ value: one, label: t(`events.kinds.${one}`) }))}
          value={kind ?? null}
          onChange={(value) => change({ kind: value ?? undefined })}
        />
        <TextInput
          size="sm"
          w={200}
          label={t('events.text')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Switch
          pb={8}
          label={t('events.bad')}
          checked={!!bad}
          onChange={(event) => change({ bad: event.currentTarget.checked || undefined })}
        />
      </Group>
      <Group justify="space-between">
        <Group gap="xs">
          <Text size="sm" c="dimmed" role="status">
            {t('events.count', { shown: format.count(shown.length), all: format.count(events.length) })}
          </Text>
          {replica && (
            <Button
              size="compact-sm"
              variant="light"
              rightSection={<IconX size={14} aria-hidden />}
              onClick={() => change({ replica: undefined })}
            >
              {t('events.oneReplica', { id: replica.slice(0, 8) })}
            </Button>
          )}
        </Group>
        <Group gap={4}>
          <Button
            size="compact-sm"
            variant={paused ? 'filled' : 'default'}
            aria-pressed={paused}
            leftSection={
              paused ? <IconPlayerPlay size={14} aria-hidden /> : <IconPlayerPause size={14} aria-hidden />
            }
            onClick={() => setPaused(!paused)}
          >
            {paused ? t('events.resume', { count: held }) : t('events.pause')}
          </Button>
          <CopyIcon value={location.href} label={t('events.copyLink')} />
        </Group>
      </Group>
      <ProblemAlert error={olderError} />
      <Loaded query={query} lines={10}>
        {() =>
          events.length === 0 ? (
            <Empty icon={<IconHistory size={26} />} title={t('events.none')}>
              {t('events.noneHelp')}
            </Empty>
          ) : (
            <LongTable
              label={t('events.list')}
              rows={shown}
              columns={columns}
              rowId={(event) => String(event.id)}
              rowHeight={40}
            />
          )
        }
      </Loaded>
      {events.length > 0 && !shown.length && <Text c="dimmed">{t('events.noMatch')}</Text>}
      {events.length > 0 && (
        <Group justify="center">
          {hasAll ? (
            <Text size="sm" c="dimmed">
              {t('events.hasAll')}
            </Text>
          ) : (
            <Button variant="default" loading={busy} onClick={() => void loadOlder()}>
              {t('events.older')}
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}

const why = (event: LoggedEvent) => inWords(event.why_told, event.why);
