/** All of it at a glance: is it well, what goes on, and for whoever has nothing yet, what to do first. */

import { Stack } from '@mantine/core';
import { IconRocket, IconUserQuestion } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import { overviewQuery } from '@/api/overview';
import { usePulse } from '@/live/usePulse';
import { useMay } from '@/session/session';
import { ButtonLink } from '@/ui/links';
import { Page } from '@/ui/Page';
import { Empty, Loaded, Placeholder } from '@/ui/states';
import { HealthLine } from './HealthLine';
import { Numbers } from './Numbers';

/** The answer to "is all well?" does not wait for the script of these. */
const FirstSteps = lazy(() => import('./FirstSteps'));
const Details = lazy(() => import('./Details'));
const TrafficCharts = lazy(() => import('./TrafficCharts'));
const MINUTES = 15;

export default function HomePage() {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <Page
      title={t('home.title')}
      actions={
        may('launches.write') && (
          <ButtonLink to="/launch" leftSection={<IconRocket size={16} aria-hidden />}>
            {t('home.launch')}
          </ButtonLink>
        )
      }
    >
      {may('launches.read') ? (
        <Overall />
      ) : (
        <Empty icon={<IconUserQuestion size={26} />} title={t('home.noRole')}>
          {t('home.noRoleHelp')}
        </Empty>
      )}
    </Page>
  );
}

function Overall() {
  const query = useQuery(overviewQuery);
  const launches = useQuery(launchesQuery);
  const { lines } = usePulse({}, MINUTES);
  const isNew = launches.data?.every((launch) => launch.built_in) ?? false;
  const hasDemo = launches.data?.some((launch) => launch.built_in && launch.uid === 'demo') ?? false;
  return (
    <Loaded query={query} lines={8}>
      {(overview) => (
        <Stack gap="md">
          <HealthLine overview={overview} />
          {isNew && (
            <Suspense fallback={<Placeholder lines={6} />}>
              <FirstSteps demo={hasDemo} />
            </Suspense>
          )}
          <Numbers overview={overview} lines={lines} />
          <Suspense fallback={<Placeholder lines={6} />}>
            <TrafficCharts lines={lines} />
          </Suspense>
          <Suspense fallback={<Placeholder lines={8} />}>
            <Details />
          </Suspense>
        </Stack>
      )}
    </Loaded>
  );
}
