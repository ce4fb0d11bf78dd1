/** A row for each launch, and what may be done with several at once. */

import { Badge, Button, Checkbox, Group, Progress, Text, Tooltip } from '@mantine/core';
import { IconPin, IconShare } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Launch } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { inWords } from '@/i18n/reasons';
import { useTraffic } from '@/live/useTraffic';
import { type Column, LongTable } from '@/ui/LongTable';
import { RowMenu } from '@/ui/RowMenu';
import { StateBadge } from '@/ui/StateBadge';
import { memoryOf, readyOf, whereOf } from './rows';
import { useLaunchMenu } from './useLaunchMenu';

export function LaunchTable({ launches }: { launches: readonly Launch[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const traffic = useTraffic();
  const menu = useLaunchMenu();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const changeable = launches.filter(menu.mayChange);
  // What is filtered out is not changed with the others.
  const chosen = changeable.filter((launch) => picked.has(launch.uid));
  const pick = (uid: string, on: boolean) => {
    const next = new Set(picked);
    if (on) next.add(uid);
    else next.delete(uid);
    setPicked(next);
  };
  const of = (launch: Launch) => traffic.get(launch.uid);

  const columns: Column<Launch>[] = [
    {
      id: 'pick',
      title: t('running.pick'),
      width: '2.6rem',
      quiet: true,
      show: (launch) =>
        menu.mayChange(launch) && (
          <Checkbox
            size="xs"
            aria-label={t('running.pickOne', { uid: launch.uid })}
            checked={picked.has(launch.uid)}
            onChange={(event) => pick(launch.uid, event.currentTarget.checked)}
          />
        ),
    },
    {
      id: 'uid',
      title: t('common.name'),
      width: 'minmax(7.5rem, 2fr)',
      by: (launch) => launch.uid,
      show: (launch) => <Name launch={launch} />,
    },
    {
      id: 'state',
      title: t('common.state'),
      width: 'minmax(7.5rem, 1fr)',
      by: (launch) => launch.state,
      show: (launch) => <StateOf launch={launch} />,
    },
    {
      id: 'do',
      title: t('running.actions'),
      width: '3.4rem',
      quiet: true,
      show: (launch) => (
        <RowMenu label={t('running.actionsOf', { uid: launch.uid })} actions={menu.actions(launch)} />
      ),
    },
    {
      id: 'replicas',
      title: t('running.replicas'),
      width: '6.2rem',
      align: 'right',
      by: (launch) => launch.wanted,
      show: (launch) => `${readyOf(launch)} / ${launch.wanted}`,
    },
    {
      id: 'engine',
      title: t('running.engine'),
      width: 'minmax(5.8rem, 1fr)',
      by: (launch) => launch.engine,
      show: (launch) => launch.engine,
    },
    {
      id: 'where',
      title: t('running.where'),
      width: 'minmax(5.5rem, 1fr)',
      by: (launch) => whereOf(launch),
      show: (launch) => <span title={whereOf(launch)}>{whereOf(launch) || '–'}</span>,
    },
    {
      id: 'memory',
      title: t('running.memory'),
      width: '6.3rem',
      align: 'right',
      by: memoryOf,
      show: (launch) => (readyOf(launch) || memoryOf(launch) ? format.bytes(memoryOf(launch)) : '–'),
    },
    {
      id: 'requests',
      title: t('running.requests'),
      width: '6.3rem',
      align: 'right',
      by: (launch) => (of(launch)?.running ?? 0) + (of(launch)?.waiting ?? 0),
      show: (launch) => (
        <span
          title={t('running.requestsHelp', {
            running: format.count(of(launch)?.running ?? 0),
            waiting: format.count(of(launch)?.waiting ?? 0),
          })}
        >
          {format.count(of(launch)?.running ?? 0)} + {format.count(of(launch)?.waiting ?? 0)}
        </span>
      ),
    },
    {
      id: 'tokens',
      title: t('running.tokens'),
      width: '6.3rem',
      align: 'right',
      by: (launch) => of(launch)?.tokens_out ?? 0,
      show: (launch) => format.count(of(launch)?.tokens_out ?? 0),
    },
    {
      id: 'first',
      title: t('running.first'),
      width: '6.6rem',
      align: 'right',
      by: (launch) => of(launch)?.first_token_p50 ?? null,
      show: (launch) => format.seconds(of(launch)?.first_token_p50),
    },
  ];
  return (
    <>
      {changeable.length > 1 && (
        <Group gap="xs" mih={32}>
          <Checkbox
            size="sm"
            label={
              chosen.length
                ? t('running.picked', { count: chosen.length })
                : t('running.pickAll', { count: changeable.length })
            }
            checked={chosen.length === changeable.length}
            indeterminate={chosen.length > 0 && chosen.length < changeable.length}
            onChange={(event) =>
              setPicked(new Set(event.currentTarget.checked ? changeable.map((one) => one.uid) : []))
            }
          />
          {chosen.length > 0 &&
            menu.together(chosen).map((action) => (
              <Button
                key={action.name}
                size="compact-sm"
                variant={action.grave ? 'light' : 'default'}
                color={action.grave ? 'red' : undefined}
                leftSection={action.icon}
                onClick={action.run}
              >
                {action.name}
              </Button>
            ))}
        </Group>
      )}
      <LongTable
        label={t('running.view.launches')}
        rows={launches}
        columns={columns}
        rowId={(launch) => launch.uid}
        onOpen={(launch) => void navigate({ to: '/running/$uid', params: { uid: launch.uid } })}
        sort="uid"
      />
      {menu.questions}
    </>
  );
}

export function Name({ launch }: { launch: Launch }) {
  const { t } = useTranslation();
  return (
    <Group gap={6} wrap="nowrap">
      <Text
        size="sm"
        fw={600}
        truncate
        title={launch.uid}
        c="var(--mantine-color-anchor)"
        renderRoot={(props) => <Link to="/running/$uid" params={{ uid: launch.uid }} {...props} />}
      >
        {launch.uid}
      </Text>
      {launch.pinned && (
        <Tooltip label={t('running.pinned')}>
          <IconPin size={14} role="img" aria-label={t('running.pinned')} />
        </Tooltip>
      )}
      {launch.shared && !launch.built_in && (
        <Tooltip label={t('running.sharedBy', { project: launch.project })}>
          <IconShare size={14} role="img" aria-label={t('running.sharedBy', { project: launch.project })} />
        </Tooltip>
      )}
    </Group>
  );
}

export function StateOf({ launch }: { launch: Launch }) {
  const { t } = useTranslation();
  if (launch.state === 'stopped')
    return (
      <Badge variant="light" color="gray" tt="none">
        {t('running.onCall')}
      </Badge>
    );
  return (
    <Group gap={8} wrap="nowrap">
      <StateBadge
        state={launch.state}
        reason={inWords(launch.reason_told, launch.reason) || inWords(launch.message_told, launch.message)}
      />
      {launch.state === 'starting' && launch.progress > 0 && (
        <Progress
          value={Math.round(launch.progress * 100)}
          w={60}
          size="sm"
          aria-label={t('running.progressOf', { uid: launch.uid })}
        />
      )}
    </Group>
  );
}
