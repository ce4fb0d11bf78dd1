/** The state of a launch, replica or node, in a word and a colour. A plain element: tables have thousands. */

import type { CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './StateBadge.module.css';

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
    <span
      className={classes.badge}
      style={{ '--state': `var(--mantine-color-${COLORS[state] ?? 'blue'}-light)` } as CSSProperties}
      title={reason || undefined}
    >
      {text}
    </span>
  );
}
