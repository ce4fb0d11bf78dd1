/** A launch's replicas: where each is and how far, moved or removed. */

import { Button, Group, Progress, Text } from '@mantine/core';
import { IconArrowsExchange, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { launchActions, useLaunchAction } from '@/api/launches';
import { nodesQuery } from '@/api/nodes';
import type { LaunchDetail, Replica } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { inWords } from '@/i18n/reasons';
import { useMay } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { Confirm } from '@/ui/confirm';
import { type Column, LongTable } from '@/ui/LongTable';
import { said, wentWrong } from '@/ui/notify';
import { type RowAction, RowMenu } from '@/ui/RowMenu';
import { StateBadge } from '@/ui/StateBadge';
import { Empty } from '@/ui/states';
import { liveReplicas, memoryOfReplica } from './rows';

export function Replicas({ launch, mayChange }: { launch: LaunchDetail; mayChange: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const act = useLaunchAction();
  const nodes = useQuery({ ...nodesQuery, enabled: mayChange && may('nodes.read') }).data ?? [];
  const [removed, setRemoved] = useState<Replica | null>(null);
  const live = new Set(liveReplicas(launch).map((replica) => replica.id));
  const doing = async (run: () => Promise<unknown>, done: string) => {
    try {
      await act(run);
      said(done);
    } catch (error) {
      wentWrong(error);
    }
  };
  const move = (replica: Replica, node?: string): RowAction => ({
    name: node ? t('running.do.moveTo', { node }) : t('running.do.move'),
    icon: <IconArrowsExchange size={16} />,
    run: () =>
      void doing(() => launchActions.moveReplica(launch.uid, replica.id, node), t('running.done.moved')),
  });
  const actions = (replica: Replica): RowAction[] => {
    const others = nodes.filter(
      (node) => node.name !== replica.node && node.state === 'up' && !node.cordoned,
    );
    const isNowhere = nodes.length > 0 && !others.length;
    return [
      { ...move(replica), hindered: isNowhere ? t('running.noOtherNode') : undefined },
      ...others.map((node) => move(replica, node.name)),
      {
        name: t('running.do.remove'),
        icon: <IconTrash size={16} />,
        grave: true,
        run: () => setRemoved(replica),
      },
    ];
  };
  const columns: Column<Replica>[] = [
    {
      id: 'epoch',
      title: t('running.replica'),
      width: '6.8rem',
      by: (replica) => -replica.epoch,
      show: (replica) => replica.epoch,
    },
    {
      id: 'state',
      title: t('common.state'),
      by: (replica) => replica.state,
      show: (replica) => (
        <StateBadge
          state={replica.state}
          reason={replica.leaving || inWords(replica.message_told, replica.message)}
        />
      ),
    },
    {
      id: 'progress',
      title: t('running.progress'),
      width: 'minmax(6rem, 1fr)',
      by: (replica) => replica.progress,
      show: (replica) =>
        live.has(replica.id) && (
          <Progress
            value={Math.round(replica.progress * 100)}
            size="sm"
            aria-label={t('running.progressOf', { uid: String(replica.epoch) })}
          />
        ),
    },
    { id: 'node', title: t('running.node'), by: (replica) => replica.node, show: (replica) => replica.node },
    {
      id: 'device',
      title: t('running.device'),
      show: (replica) => replica.devices.join(', ') || '–',
    },
    {
      id: 'memory',
      title: t('running.memory'),
      align: 'right',
      width: '7rem',
      by: memoryOfReplica,
      show: (replica) => (
        <span
          title={t('running.memoryHelp', {
            counted: format.bytes(replica.memory),
            peak: format.bytes(replica.memory_peak),
          })}
        >
          {format.bytes(memoryOfReplica(replica))}
        </span>
      ),
    },
    {
      id: 'changed',
      title: t('running.changed'),
      by: (replica) => -new Date(replica.changed).getTime(),
      show: (replica) => <Ago at={replica.changed} />,
    },
    {
      id: 'message',
      title: t('running.message'),
      width: 'minmax(8rem, 2fr)',
      show: (replica) => (
        <span title={replica.leaving || inWords(replica.message_told, replica.message)}>
          {replica.leaving || inWords(replica.message_told, replica.message) || '–'}
        </span>
      ),
    },
    {
      id: 'do',
      title: t('running.actions'),
      width: '3.4rem',
      quiet: true,
      show: (replica) =>
        mayChange &&
        live.has(replica.id) &&
        replica.state !== 'draining' && (
          <RowMenu
            label={t('running.actionsOf', { uid: String(replica.epoch) })}
            actions={actions(replica)}
          />
        ),
    },
  ];
  return (
    <>
      <Group justify="space-between">
        <Text fw={600} component="h2" size="lg">
          {t('running.replicas')}
        </Text>
        {mayChange && launch.state !== 'stopped' && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() =>
              void doing(() => launchActions.addReplicas(launch.uid, { count: 1 }), t('running.done.added'))
            }
          >
            {t('running.do.add')}
          </Button>
        )}
      </Group>
      {launch.replicas.length ? (
        <LongTable
          label={t('running.replicas')}
          rows={launch.replicas}
          columns={columns}
          rowId={(replica) => replica.id}
          maxHeight={360}
          sort="epoch"
        />
      ) : (
        <Empty title={t('running.empty.replicas')} />
      )}
      {removed && (
        <Confirm
          opened
          close={() => setRemoved(null)}
          title={t('running.ask.remove', { epoch: removed.epoch, node: removed.node })}
          action={t('running.do.remove')}
          run={() => act(() => launchActions.removeReplica(launch.uid, removed.id))}
        >
          {t('running.ask.removeHelp')}
        </Confirm>
      )}
    </>
  );
}
