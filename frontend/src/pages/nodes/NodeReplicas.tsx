/** What runs on a machine. Of one's own project: others' replicas are counted, not named. */

import { Paper, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import { useFormat } from '@/format/useFormat';
import { inWords } from '@/i18n/reasons';
import { Ago } from '@/ui/Ago';
import { TextLink } from '@/ui/links';
import { StateBadge } from '@/ui/StateBadge';
import { Loaded } from '@/ui/states';

const ENDED = new Set(['stopped', 'failed', 'lost']);

export function NodeReplicas({ node }: { node: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const query = useQuery(launchesQuery);
  return (
    <Paper withBorder p="md" miw={0}>
      <Title order={2} size="h4" mb="xs">
        {t('nodes.replicasHere')}
      </Title>
      <Loaded query={query} lines={3}>
        {(launches) => {
          const here = launches.flatMap((launch) =>
            launch.replicas
              .filter((replica) => replica.node === node && !ENDED.has(replica.state))
              .map((replica) => ({ launch, replica })),
          );
          if (!here.length)
            return (
              <Text size="sm" c="dimmed">
                {t('nodes.noReplicas')}
              </Text>
            );
          return (
            <Table.ScrollContainer minWidth={560}>
              <Table aria-label={t('nodes.replicasHere')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('nodes.column.model')}</Table.Th>
                    <Table.Th>{t('common.state')}</Table.Th>
                    <Table.Th>{t('nodes.column.devices')}</Table.Th>
                    <Table.Th ta="end">{t('nodes.column.counted')}</Table.Th>
                    <Table.Th ta="end">{t('nodes.column.peak')}</Table.Th>
                    <Table.Th>{t('nodes.column.since')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {here.map(({ launch, replica }) => (
                    <Table.Tr key={replica.id}>
                      <Table.Td>
                        <TextLink to="/running/$uid" params={{ uid: launch.uid }}>
                          {launch.uid}
                        </TextLink>{' '}
                        <Text span size="sm" c="dimmed">
                          {t('events.subject.replica', { name: String(replica.epoch) })}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        <StateBadge
                          state={replica.state}
                          reason={inWords(replica.message_told, replica.message)}
                        />
                      </Table.Td>
                      <Table.Td>{replica.devices.join(', ') || t('nodes.processor')}</Table.Td>
                      <Table.Td ta="end">{replica.memory ? format.bytes(replica.memory) : '–'}</Table.Td>
                      <Table.Td ta="end">
                        {replica.memory_peak ? format.bytes(replica.memory_peak) : '–'}
                      </Table.Td>
                      <Table.Td>
                        <Ago at={replica.changed} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          );
        }}
      </Loaded>
    </Paper>
  );
}
