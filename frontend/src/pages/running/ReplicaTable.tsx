/** A row for each replica of all launches. */

import { Progress, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/format/useFormat';
import { inWords } from '@/i18n/reasons';
import { Ago } from '@/ui/Ago';
import { type Column, LongTable } from '@/ui/LongTable';
import { StateBadge } from '@/ui/StateBadge';
import { memoryOfReplica, type ReplicaRow } from './rows';

export function ReplicaTable({ rows }: { rows: readonly ReplicaRow[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const columns: Column<ReplicaRow>[] = [
    {
      id: 'uid',
      title: t('running.model'),
      width: 'minmax(12rem, 2fr)',
      by: ({ launch, replica }) => `${launch.uid} ${replica.epoch}`,
      show: ({ launch, replica }) => (
        <Text
          size="sm"
          fw={600}
          truncate
          c="var(--mantine-color-anchor)"
          renderRoot={(props) => <Link to="/running/$uid" params={{ uid: launch.uid }} {...props} />}
        >
          {t('running.replicaOf', { uid: launch.uid, epoch: replica.epoch })}
        </Text>
      ),
    },
    {
      id: 'state',
      title: t('common.state'),
      by: ({ replica }) => replica.state,
      show: ({ replica }) => (
        <StateBadge
          state={replica.state}
          reason={replica.leaving || inWords(replica.message_told, replica.message)}
        />
      ),
    },
    {
      id: 'progress',
      title: t('running.progress'),
      by: ({ replica }) => replica.progress,
      show: ({ launch, replica }) => (
        <Progress
          value={Math.round(replica.progress * 100)}
          size="sm"
          aria-label={t('running.progressOf', { uid: `${launch.uid} ${replica.epoch}` })}
        />
      ),
    },
    {
      id: 'node',
      title: t('running.node'),
      by: ({ replica }) => replica.node,
      show: ({ replica }) => replica.node,
    },
    {
      id: 'device',
      title: t('running.device'),
      by: ({ replica }) => replica.devices.join(),
      show: ({ replica }) => replica.devices.join(', ') || '–',
    },
    {
      id: 'memory',
      title: t('running.memory'),
      width: '7rem',
      align: 'right',
      by: ({ replica }) => memoryOfReplica(replica),
      show: ({ replica }) => format.bytes(memoryOfReplica(replica)),
    },
    {
      id: 'engine',
      title: t('running.engine'),
      by: ({ launch }) => launch.engine,
      show: ({ launch }) => launch.engine,
    },
    {
      id: 'changed',
      title: t('running.changed'),
      by: ({ replica }) => -new Date(replica.changed).getTime(),
      show: ({ replica }) => <Ago at={replica.changed} />,
    },
    {
      id: 'message',
      title: t('running.message'),
      width: 'minmax(10rem, 2fr)',
      show: ({ replica }) => (
        <span title={inWords(replica.message_told, replica.message)}>
          {replica.leaving || inWords(replica.message_told, replica.message) || '–'}
        </span>
      ),
    },
  ];
  return (
    <LongTable
      label={t('running.view.replicas')}
      rows={rows}
      columns={columns}
      rowId={(row) => row.id}
      onOpen={({ launch }) => void navigate({ to: '/running/$uid', params: { uid: launch.uid } })}
      sort="uid"
    />
  );
}
