/** A launch's replicas: where each is and how far, moved or removed. */

import { Button, Group, Menu, Progress, Text } from '@mantine/core';
import { IconArrowsExchange, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { launchActions, useLaunchAction } from '@/api/launches';
import { nodesQuery } from '@/api/nodes';
import type { LaunchDetail, Replica } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { Confirm } from '@/ui/confirm';
import { type Column, LongTable } from '@/ui/LongTable';
import { said, wentWrong } from '@/ui/notify';
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
  const columns: Column<Replica>[] = [
    {
      id: 'epoch',
      title: t('running.replica'),
      width: '6rem',
      by: (replica) => -replica.epoch,
      show: (replica) => replica.epoch,
    },
    {
      id: 'state',
      title: t('common.state'),
      by: (replica) => replica.state,
      show: (replica) => <StateBadge state={replica.state} reason={replica.leaving || replica.message} />,
    },
    {
      id: 'progress',
      title: t('running.progress'),
      by: (replica) => replica.progress,
      show: (replica) =>
        live.has(replica.id) && (
          <Progress
            value={replica.progress * 100}
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
      width: 'minmax(10rem, 2fr)',
      show: (replica) => (
        <span title={replica.leaving || replica.message}>{replica.leaving || replica.message || '–'}</span>
      ),
    },
    {
      id: 'do',
      title: t('running.actions'),
      width: '14rem',
      show: (replica) =>
        mayChange &&
        live.has(replica.id) &&
        replica.state !== 'draining' && (
          <Group gap={6} wrap="nowrap">
            <Menu withinPortal>
              <Menu.Target>
                <Button
                  size="compact-xs"
                  variant="default"
                  leftSection={<IconArrowsExchange size={14} aria-hidden />}
                >
                  {t('running.do.move')}
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Label>{t('running.moveTo')}</Menu.Label>
                <Menu.Item
                  onClick={() =>
                    void doing(
                      () => launchActions.moveReplica(launch.uid, replica.id),
                      t('running.done.moved'),
                    )
                  }
                >
                  {t('running.moveAnywhere')}
                </Menu.Item>
                {nodes
                  .filter((node) => node.name !== replica.node)
                  .map((node) => (
                    <Menu.Item
                      key={node.name}
                      disabled={node.state !== 'up' || node.cordoned}
                      onClick={() =>
                        void doing(
                          () => launchActions.moveReplica(launch.uid, replica.id, node.name),
                          t('running.done.moved'),
                        )
                      }
                    >
                      {node.name}
                    </Menu.Item>
                  ))}
              </Menu.Dropdown>
            </Menu>
            <Button
              size="compact-xs"
              variant="default"
              c="red"
              leftSection={<IconTrash size={14} aria-hidden />}
              onClick={() => setRemoved(replica)}
            >
              {t('common.remove')}
            </Button>
          </Group>
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
          action={t('common.remove')}
          run={() => act(() => launchActions.removeReplica(launch.uid, removed.id))}
        >
          {t('running.ask.removeHelp')}
        </Confirm>
      )}
    </>
  );
}
