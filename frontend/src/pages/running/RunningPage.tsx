/** All that runs, starts, waits to be called or has failed: launches, their replicas, and past ones. */

import { Button, Group, SegmentedControl, Select, TextInput } from '@mantine/core';
import { IconPlayerPlay, IconRocket, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { launchesQuery, pastLaunchesQuery } from '@/api/launches';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { Empty, Loaded } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { LaunchTable } from './LaunchTable';
import { PastTable } from './PastTable';
import { ReplicaTable } from './ReplicaTable';
import { nodesOf, replicaRows, wantedLaunches, wantedReplicas } from './rows';
import { runningSearch, VIEWS, type View } from './search';

export default function RunningPage() {
  const { t } = useTranslation();
  const may = useMay();
  const [search, change] = useUrl(runningSearch);
  const view: View = search.view ?? 'launches';
  const now = useQuery({ ...launchesQuery, enabled: may('launches.read') });
  const past = useQuery({ ...pastLaunchesQuery, enabled: view === 'past' });
  const query = view === 'past' ? past : now;
  const isFiltered = !!(search.q || search.state || search.node || search.kind);
  return (
    <Page
      title={t('running.title')}
      needs="launches.read"
      actions={
        may('launches.write') && (
          <Button
            leftSection={<IconRocket size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/launch" {...props} />}
          >
            {t('running.launch')}
          </Button>
        )
      }
    >
      <Filters view={view} search={search} change={change} />
      <Loaded
        query={query}
        isEmpty={(launches) => !launches.length}
        empty={
          <Empty
            icon={<IconPlayerPlay size={26} />}
            title={t(view === 'past' ? 'running.empty.past' : 'running.empty.now')}
            action={
              view !== 'past' && (
                <Button variant="light" renderRoot={(props) => <Link to="/models" {...props} />}>
                  {t('running.empty.find')}
                </Button>
              )
            }
          >
            {t(view === 'past' ? 'running.empty.pastHelp' : 'running.empty.nowHelp')}
          </Empty>
        }
      >
        {(launches) => (
          <Found
            {...{ view, launches, search, isFiltered }}
            clear={() => change({ q: undefined, state: undefined, node: undefined, kind: undefined })}
          />
        )}
      </Loaded>
    </Page>
  );
}

type Search = ReturnType<typeof runningSearch>;
type Launches = Parameters<typeof wantedLaunches>[0];

function Found({
  view,
  launches,
  search,
  isFiltered,
  clear,
}: {
  view: View;
  launches: Launches;
  search: Search;
  isFiltered: boolean;
  clear: () => void;
}) {
  const { t } = useTranslation();
  const rows = useMemo(
    () => (view === 'replicas' ? [] : wantedLaunches(launches, search)),
    [view, launches, search],
  );
  const replicas = useMemo(
    () => (view === 'replicas' ? wantedReplicas(replicaRows(launches), search) : []),
    [view, launches, search],
  );
  if (!rows.length && !replicas.length)
    return (
      <Empty
        title={t(isFiltered ? 'running.empty.filtered' : 'running.empty.replicas')}
        action={
          isFiltered && (
            <Button variant="light" onClick={clear}>
              {t('running.empty.clear')}
            </Button>
          )
        }
      />
    );
  if (view === 'replicas') return <ReplicaTable rows={replicas} />;
  return view === 'past' ? <PastTable launches={rows} /> : <LaunchTable launches={rows} />;
}

const LAUNCH_STATES = ['ready', 'starting', 'failed', 'stopped'];
const REPLICA_STATES = ['ready', 'loading', 'starting', 'scheduled', 'draining'];

function Filters({
  view,
  search,
  change,
}: {
  view: View;
  search: Search;
  change: (some: Partial<Search>) => void;
}) {
  const { t, i18n } = useTranslation();
  const may = useMay();
  const launches = useQuery({ ...launchesQuery, enabled: may('launches.read') }).data ?? [];
  const nodes = [...new Set(launches.flatMap(nodesOf))].sort();
  const kinds = [...new Set(launches.map((launch) => launch.kind))].sort();
  const word = (state: string) =>
    i18n.exists(`state.${state}`) ? t(`state.${state}` as 'state.ready') : state;
  const states = view === 'replicas' ? REPLICA_STATES : LAUNCH_STATES;
  return (
    <Group gap="sm" align="flex-end">
      <SegmentedControl
        aria-label={t('running.view.label')}
        value={view}
        onChange={(value) =>
          change({ view: value === 'launches' ? undefined : (value as View), state: undefined })
        }
        data={VIEWS.map((one) => ({ value: one, label: t(`running.view.${one}`) }))}
      />
      <TextInput
        aria-label={t('common.search')}
        placeholder={t('running.search')}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={search.q ?? ''}
        onChange={(event) => change({ q: event.currentTarget.value || undefined })}
        flex={1}
        miw={180}
        maw={360}
      />
      {view !== 'past' && (
        <Choice
          label={t('common.state')}
          values={states.map((value) => ({ value, label: word(value) }))}
          value={search.state}
          choose={(state) => change({ state })}
        />
      )}
      {kinds.length > 1 && (
        <Choice
          label={t('running.kind')}
          values={kinds.map((value) => ({ value, label: t(`launch.kinds.${value}`) }))}
          value={search.kind}
          choose={(kind) => change({ kind })}
        />
      )}
      {view !== 'past' && nodes.length > 1 && (
        <Choice
          label={t('running.node')}
          values={nodes.map((value) => ({ value, label: value }))}
          value={search.node}
          choose={(node) => change({ node })}
        />
      )}
    </Group>
  );
}

function Choice({
  label,
  values,
  value,
  choose,
}: {
  label: string;
  values: { value: string; label: string }[];
  value: string | undefined;
  choose: (value: string | undefined) => void;
}) {
  return (
    <Select
      aria-label={label}
      placeholder={label}
      data={values}
      value={value ?? null}
      onChange={(chosen) => choose(chosen ?? undefined)}
      clearable
      searchable={values.length > 8}
      w={150}
    />
  );
}
