/** While a model is not there yet: how far its start is, in the words of the stream. */

import { Group, Loader, Progress, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Waiting } from '@/api/eventStream';
import { useFormat } from '@/format/useFormat';

export function WaitingNote({ waiting }: { waiting: Waiting | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!waiting)
    return (
      <Group gap="xs" role="status">
        <Loader type="dots" size="sm" />
        <Text size="sm" c="dimmed">
          {t('play.waiting.answer')}
        </Text>
      </Group>
    );
  const said = waiting.isBusy
    ? t('play.waiting.busy')
    : waiting.progress === null
      ? t('play.waiting.starting', { model: waiting.model })
      : t('play.waiting.loading', {
          model: waiting.model,
          percent: format.percent(waiting.progress, 1),
        });
  return (
    <Stack gap={6} role="status">
      <Text size="sm">
        {said}
        {waiting.secondsLeft !== null &&
          ` · ${t('play.waiting.left', { time: format.seconds(waiting.secondsLeft) })}`}
        {waiting.position > 1 && ` · ${t('play.waiting.position', { count: waiting.position })}`}
      </Text>
      <Progress
        value={(waiting.progress ?? 0) * 100}
        animated={!waiting.isBusy}
        striped={!waiting.isBusy}
        aria-label={said}
      />
    </Stack>
  );
}
