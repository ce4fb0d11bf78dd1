/** What happened to a launch, newest first; live, since an event makes the launch's answer old. */

import { Anchor, Stack, Table, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { LaunchDetail } from '@/api/schema';
import { inWords } from '@/i18n/reasons';
import { EventChange, EventThing } from '@/pages/events/EventParts';
import { whoDid } from '@/pages/events/whoDid';
import { Ago } from '@/ui/Ago';
import { Empty } from '@/ui/states';

export function LaunchEvents({ launch }: { launch: LaunchDetail }) {
  const { t } = useTranslation();
  if (!launch.events.length) return <Empty title={t('running.event.none')} />;
  return (
    <Stack gap="xs">
      <Table.ScrollContainer minWidth={620}>
        <Table aria-label={t('running.tab.events')} verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('running.event.when')}</Table.Th>
              <Table.Th>{t('running.event.what')}</Table.Th>
              <Table.Th>{t('common.state')}</Table.Th>
              <Table.Th>{t('running.node')}</Table.Th>
              <Table.Th>{t('running.event.who')}</Table.Th>
              <Table.Th>{t('running.event.why')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {launch.events.toReversed().map((event) => (
              <Table.Tr key={event.id}>
                <Table.Td>
                  <Ago at={event.at} />
                </Table.Td>
                <Table.Td>
                  <EventThing event={{ ...event, uid: launch.uid }} />
                </Table.Td>
                <Table.Td>
                  <EventChange event={event} />
                </Table.Td>
                <Table.Td>{event.node || '–'}</Table.Td>
                <Table.Td>{whoDid(event.who)}</Table.Td>
                <Table.Td>
                  <Text size="sm" maw={480}>
                    {inWords(event.why_told, event.why)}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Anchor
        size="sm"
        renderRoot={(props) => <Link to="/events" search={{ model: launch.uid } as never} {...props} />}
      >
        {t('running.event.all')}
      </Anchor>
    </Stack>
  );
}
