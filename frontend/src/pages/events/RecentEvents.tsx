/** The last events, newest first, and the way to all of them. */

import { Group, Paper, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type EventChoice, eventsQuery } from '@/api/events';
import { inWords } from '@/i18n/reasons';
import { Ago } from '@/ui/Ago';
import { TextLink } from '@/ui/links';
import { Loaded } from '@/ui/states';
import { EventChange, EventThing } from './EventParts';
import classes from './RecentEvents.module.css';

export function RecentEvents({ choice = {}, limit = 8 }: { choice?: EventChoice; limit?: number }) {
  const { t } = useTranslation();
  const query = useQuery(eventsQuery(choice, limit));
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {t('events.recent')}
        </Title>
        <TextLink to="/events" search={choice}>
          {t('events.all')}
        </TextLink>
      </Group>
      <Loaded
        query={query}
        lines={limit}
        isEmpty={(page) => !page.events.length}
        empty={
          <Text size="sm" c="dimmed">
            {t('events.none')}
          </Text>
        }
      >
        {(page) => (
          <ul className={classes.list} aria-label={t('events.recent')}>
            {page.events.toReversed().map((event) => (
              <li key={event.id} className={classes.event}>
                <Text span size="sm" c="dimmed" className={classes.when}>
                  <Ago at={event.at} />
                </Text>
                <span className={classes.thing}>
                  <EventThing event={event} />
                </span>
                <EventChange event={event} />
                {event.why && (
                  <Text
                    span
                    size="sm"
                    c="dimmed"
                    className={classes.why}
                    title={inWords(event.why_told, event.why)}
                  >
                    {inWords(event.why_told, event.why)}
                  </Text>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Paper>
  );
}
