/** An event's pieces, as lists and tables show them. Plain elements: there may be thousands. */

import { useTranslation } from 'react-i18next';
import type { LoggedEvent } from '@/api/schema';
import { RowLink } from '@/ui/links';
import { StateBadge } from '@/ui/StateBadge';
import classes from './EventParts.module.css';

/** What it happened to, as a link. */
export function EventThing({ event }: { event: Pick<LoggedEvent, 'subject' | 'uid'> }) {
  const { t } = useTranslation();
  const [kind = '', rest = ''] = event.subject.split(/ (.*)/, 2);
  if (kind === 'node')
    return (
      <RowLink to={`/nodes/${encodeURIComponent(rest)}`}>{t('events.subject.node', { name: rest })}</RowLink>
    );
  return (
    <>
      <RowLink to={`/running/${encodeURIComponent(event.uid)}`}>{event.uid}</RowLink>
      {kind === 'replica' && (
        <span className={classes.dimmed}> {t('events.subject.replica', { name: rest })}</span>
      )}
    </>
  );
}

/** From which state to which. */
export function EventChange({ event }: { event: Pick<LoggedEvent, 'before' | 'after'> }) {
  return (
    <span className={classes.change}>
      {event.before && event.before !== event.after && (
        <>
          <StateBadge state={event.before} />
          <span aria-hidden>→</span>
        </>
      )}
      <StateBadge state={event.after} />
    </span>
  );
}
