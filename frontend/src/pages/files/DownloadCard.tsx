/** One download: how far it is, how fast, and what can be done with it. */

import { Button, Card, Group, Progress, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type DownloadAction, useChangeDownload } from '@/api/files';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { titleOfCode } from '@/ui/problems';
import { StateBadge } from '@/ui/StateBadge';
import { ProblemAlert } from '@/ui/states';
import { type DownloadRow, withoutNumbers } from './rows';

const ACTIONS: Record<DownloadRow['state'], readonly DownloadAction[]> = {
  queued: ['pause', 'cancel'],
  running: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  failed: ['resume', 'forget'],
  cancelled: ['resume', 'forget'],
  done: ['forget'],
};

export function DownloadCard({ download }: { download: DownloadRow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const change = useChangeDownload();
  const { state, done, total, speed, remaining, error, node, name } = download;
  const label = t('files.progressOf', { name, node });
  const numbers = [
    total ? t('files.of', { done: format.bytes(done), total: format.bytes(total) }) : format.bytes(done),
    state === 'running' && speed > 0 && t('files.perSecond', { size: format.bytes(speed) }),
    state === 'running' && remaining !== null && t('files.remaining', { time: format.seconds(remaining) }),
  ].filter(Boolean);
  return (
    <Card withBorder padding="sm" component="article" aria-label={name}>
      <Group justify="space-between" gap="xs" align="flex-start">
        <div>
          <Group gap="xs">
            <Text fw={600} size="sm">
              {name}
            </Text>
            <StateBadge state={state} />
          </Group>
          <Text size="xs" c="dimmed">
            {[download.hub, download.revision, node].filter(Boolean).join(' · ')}
            {download.waiters.length > 0 &&
              ` · ${t('files.waitFor', { names: download.waiters.join(', ') })}`}
          </Text>
        </div>
        {may('files.write') && (
          <Group gap={4}>
            {ACTIONS[state].map((action) => (
              <Button
                key={action}
                size="compact-sm"
                variant={action === 'resume' ? 'light' : 'subtle'}
                color={action === 'cancel' ? 'red' : undefined}
                loading={change.isPending && change.variables?.action === action}
                onClick={() => change.mutate({ node, download: download.id, action })}
                aria-label={t(`files.${action}Of`, { name })}
              >
                {t(`files.${action}`)}
              </Button>
            ))}
          </Group>
        )}
      </Group>
      {state !== 'done' && (
        <Progress
          mt="xs"
          value={total ? Math.round((100 * done) / total) : 0}
          striped={state === 'running'}
          animated={state === 'running'}
          color={state === 'failed' ? 'red' : state === 'running' ? undefined : 'gray'}
          aria-label={label}
        />
      )}
      <Text size="xs" c="dimmed" mt={4}>
        {numbers.join(' · ')}
        {state === 'running' && download.line && ` · ${withoutNumbers(download.line)}`}
      </Text>
      {error && (
        <Text size="sm" c="red" mt={4}>
          <b>{titleOfCode(error.code)}</b> {error.message}
        </Text>
      )}
      <ProblemAlert error={change.error} />
    </Card>
  );
}
