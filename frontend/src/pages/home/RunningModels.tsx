/** The models that run or shall run, and what each gives now. */

import { Group, Paper, Progress, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import type { Launch } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useLive } from '@/live/LiveProvider';
import type { PulseMessage } from '@/live/lines';
import { TextLink } from '@/ui/links';
import { StateBadge } from '@/ui/StateBadge';
import { Loaded } from '@/ui/states';

const SHOWN = 8;
const ORDER = ['failed', 'starting', 'ready'];

export function RunningModels() {
  const { t } = useTranslation();
  const format = useFormat();
  const query = useQuery(launchesQuery);
  const [rates, setRates] = useState<Record<string, number>>({});
  useLive((message) => {
    if (message.type !== 'pulse') return;
    const { models } = message as unknown as PulseMessage;
    setRates(Object.fromEntries(models.map((one) => [one.model, Number(one.tokens_out ?? 0)])));
  });
  return (
    <Paper withBorder p="md" miw={0}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {t('home.running')}
        </Title>
        <TextLink to="/running">{t('home.allRunning')}</TextLink>
      </Group>
      <Loaded query={query} lines={3}>
        {(launches) => {
          const shown = active(launches);
          if (!shown.length)
            return (
              <Text size="sm" c="dimmed">
                {t('home.noneRunning')}
              </Text>
            );
          return (
            <Table.ScrollContainer minWidth={320} scrollAreaProps={{ type: 'auto' }}>
              <Table aria-label={t('home.running')} verticalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('common.name')}</Table.Th>
                    <Table.Th>{t('common.state')}</Table.Th>
                    <Table.Th ta="end">{t('home.tile.tokens')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {shown.slice(0, SHOWN).map((launch) => (
                    <Table.Tr key={launch.uid}>
                      <Table.Td>
                        <TextLink to="/running/$uid" params={{ uid: launch.uid }}>
                          {launch.uid}
                        </TextLink>
                        <Text size="xs" c="dimmed">
                          {[launch.family, launch.engine].filter(Boolean).join(' · ')}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        <StateBadge state={launch.state} reason={launch.reason} />
                        {launch.state === 'starting' && (
                          <Progress
                            value={launch.progress * 100}
                            size="sm"
                            mt={4}
                            aria-label={t('home.progressOf', { name: launch.uid })}
                          />
                        )}
                      </Table.Td>
                      <Table.Td ta="end">{format.count(rates[launch.uid] ?? 0)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
              {shown.length > SHOWN && (
                <Text size="sm" c="dimmed" mt="xs">
                  {t('home.further', { count: shown.length - SHOWN })}
                </Text>
              )}
            </Table.ScrollContainer>
          );
        }}
      </Loaded>
    </Paper>
  );
}

/** What failed first, then what starts. */
function active(launches: readonly Launch[]): Launch[] {
  return launches
    .filter((launch) => launch.state !== 'stopped')
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.uid.localeCompare(b.uid));
}
