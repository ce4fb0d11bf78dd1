/** An event's pieces, as lists and tables show them. */

import { Group, Text } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { LoggedEvent } from '@/api/schema';
import { TextLink } from '@/ui/links';
import { StateBadge } from '@/ui/StateBadge';

/** What it happened to, as a link. */
export function EventThing({ event }: { event: LoggedEvent }) {
  const { t } = useTranslation();
  const [kind = '', rest = ''] = event.subject.split(/ (.*)/, 2);
  if (kind === 'node')
    return (
      <TextLink to="/nodes/$name" params={{ name: rest }}>
        {t('events.subject.node', { name: rest })}
      </TextLink>
    );
  return (
    <>
      <TextLink to="/running/$uid" params={{ uid: event.uid }}>
        {event.uid}
      </TextLink>
      {kind === 'replica' && (
        <Text span size="sm" c="dimmed">
          {' '}
          {t('events.subject.replica', { name: rest })}
        </Text>
      )}
    </>
  );
}

/** From which state to which. */
export function EventChange({ event }: { event: LoggedEvent }) {
  return (
    <Group gap={4} wrap="nowrap" display="inline-flex">
      {event.before && event.before !== event.after && (
        <>
          <StateBadge state={event.before} />
          <IconArrowRight size={13} aria-hidden />
        </>
      )}
      <StateBadge state={event.after} />
    </Group>
  );
}

/** Did something go wrong? */
export function isBad(event: LoggedEvent): boolean {
  return BAD.has(event.after);
}

const BAD = new Set(['failed', 'lost', 'silent', 'refused']);
