/** The person answers in place of the tools that a model called. */

import { Button, Group, Paper, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ToolCall } from './conversation';

type Props = { calls: ToolCall[]; give: (results: { call: ToolCall; text: string }[]) => void };

export function ToolResults({ calls, give }: Props) {
  const { t } = useTranslation();
  const [texts, setTexts] = useState<Record<string, string>>({});
  return (
    <Paper withBorder p="xs">
      <Stack gap="xs">
        <Text size="sm">{t('play.tools.help')}</Text>
        {calls.map((call) => (
          <Textarea
            key={call.id}
            size="xs"
            label={t('play.tools.result', { name: call.name })}
            placeholder='{"…": "…"}'
            value={texts[call.id] ?? ''}
            onChange={(event) => setTexts({ ...texts, [call.id]: event.currentTarget.value })}
            autosize
            minRows={2}
            maxRows={8}
          />
        ))}
        <Group justify="flex-end">
          <Button
            size="compact-sm"
            onClick={() => give(calls.map((call) => ({ call, text: texts[call.id] ?? '' })))}
          >
            {t('play.tools.give')}
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
