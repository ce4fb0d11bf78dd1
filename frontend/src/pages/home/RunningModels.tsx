/** The models that run or shall run, and what each gives now. */

import { Group, Paper, Progress, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import type { Launch } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { inWords } from '@/i18n/reasons';
import { useLive } from '@/live/LiveProvider';
import type { PulseMessage } from '@/live/lines';
import { TextLink } from '@/ui/links';
import { StateBadge } from '@/ui/StateBadge';
import { Loaded } from '@/ui/states';
import classes from './home.module.css';

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
            <div className={classes.running}>
              <table aria-label={t('home.running')}>
                <thead>
                  <tr>
                    <th>{t('common.name')}</th>
                    <th>{t('common.state')}</th>
                    <th className={classes.rate}>{t('home.tile.tokens')}</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.slice(0, SHOWN).map((launch) => (
                    <tr key={launch.uid}>
                      <td>
                        <TextLink to="/running/$uid" params={{ uid: launch.uid }}>
                          {launch.uid}
                        </TextLink>
                        <Text size="xs" c="dimmed">
                          {[launch.family, launch.engine].filter(Boolean).join(' · ')}
                        </Text>
                      </td>
                      <td>
                        <StateBadge
                          state={launch.state}
                          reason={inWords(launch.reason_told, launch.reason)}
                        />
                        {launch.state === 'starting' && (
                          <Progress
                            value={launch.progress * 100}
                            size="sm"
                            mt={4}
                            aria-label={t('home.progressOf', { name: launch.uid })}
                          />
                        )}
                      </td>
                      <td className={classes.rate}>{format.count(rates[launch.uid] ?? 0)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {shown.length > SHOWN && (
                <Text size="sm" c="dimmed" mt="xs">
                  {t('home.further', { count: shown.length - SHOWN })}
                </Text>
              )}
            </div>
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
