/** The state of a launch, replica or node, in a word and a colour. */

import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const COLORS: Record<string, string> = {
  ready: 'teal',
  online: 'teal',
  active: 'teal',
  done: 'teal',
  up: 'teal',
  running: 'teal',
  refused: 'red',
  failed: 'red',
  lost: 'red',
  offline: 'red',
  silent: 'orange',
  unhealthy: 'orange',
  draining: 'orange',
  cordoned: 'orange',
  stopped: 'gray',
  paused: 'gray',
};

export function StateBadge({ state, reason }: { state: string; reason?: string }) {
  const { t, i18n } = useTranslation();
  const key = `state.${state}`;
  const text = i18n.exists(key) ? t(key as 'state.ready') : state;
  return (
    // In the text's own colour: a hue on its own pale ground is hard to read.
    <Badge
      variant="light"
      color={COLORS[state] ?? 'blue'}
      c="var(--mantine-color-text)"
      title={reason || undefined}
      tt="none"
    >
      {text}
    </Badge>
  );
}
