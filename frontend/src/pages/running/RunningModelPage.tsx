/** One launch: how it stands, what is asked of it, how it is called, what it was started with. */

import { Badge, Button, Group, Stack, Tabs, Title } from '@mantine/core';
import { IconMessage } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { launchActions, launchQuery, useLaunchAction } from '@/api/launches';
import type { LaunchDetail } from '@/api/schema';
import { useMay } from '@/session/session';
import { wentWrong } from '@/ui/notify';
import { Page } from '@/ui/Page';
import { RowMenu } from '@/ui/RowMenu';
import { Loaded } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { CodeSamples } from './CodeSamples';
import { LaunchEvents } from './LaunchEvents';
import { LaunchSettings, Section } from './LaunchSettings';
import { StateOf } from './LaunchTable';
import { LogOfReplicas } from './LogTail';
import { Replicas } from './Replicas';
import { Requests } from './Requests';
import { Standing } from './Standing';
import { launchPageSearch, TABS, type Tab } from './search';
import { Traffic } from './Traffic';
import { useLaunchMenu } from './useLaunchMenu';

export default function RunningModelPage() {
  const { t } = useTranslation();
  const may = useMay();
  const { uid = '' } = useParams({ strict: false });
  const query = useQuery({
    ...launchQuery(uid),
    enabled: may('launches.read'),
    // Progress is no event.
    refetchInterval: ({ state }) => (state.data?.state === 'starting' ? 1000 : false),
  });
  const menu = useLaunchMenu();
  const launch = query.data;
  return (
    <Page
      title={uid}
      needs="launches.read"
      about={launch && <About launch={launch} />}
      actions={
        launch && (
          <>
            {may('models.use') && launch.state === 'ready' && launch.abilities.includes('chat') && (
              <Button
                leftSection={<IconMessage size={16} aria-hidden />}
                renderRoot={(props) => (
                  <Link
                    to="/play/$what"
                    params={{ what: 'chat' }}
                    search={{ model: uid } as never}
                    {...props}
                  />
                )}
              >
                {t('running.do.chat')}
              </Button>
            )}
            <RowMenu label={t('running.actionsOf', { uid })} actions={menu.actions(launch)} />
          </>
        )
      }
    >
      <Loaded query={query} lines={8}>
        {(found) => (
          // What belongs to one model, such as a key that was made for it, ends with it.
          <Content key={found.uid} launch={found} mayChange={menu.mayChange(found)} menu={menu} />
        )}
      </Loaded>
      {menu.questions}
    </Page>
  );
}

function About({ launch }: { launch: LaunchDetail }) {
  const { t } = useTranslation();
  const what = [launch.family || launch.source.id, launch.size && `${launch.size} B`, launch.quantization]
    .filter((one) => one && one !== 'none')
    .join(' · ');
  return (
    <Group gap="xs" mt={4}>
      <StateOf launch={launch} />
      <Badge variant="default" tt="none">
        {t(`launch.kinds.${launch.kind}`)}
      </Badge>
      <Badge variant="default" tt="none">
        {launch.engine}
      </Badge>
      {what && <span>{what}</span>}
    </Group>
  );
}

function Content({
  launch,
  mayChange,
  menu,
}: {
  launch: LaunchDetail;
  mayChange: boolean;
  menu: ReturnType<typeof useLaunchMenu>;
}) {
  const { t } = useTranslation();
  const may = useMay();
  const act = useLaunchAction();
  const [search, change] = useUrl(launchPageSearch);
  const shown = TABS.filter((tab) => tab !== 'logs' || may('logs.read')).filter(
    (tab) => tab !== 'use' || may('models.use'),
  );
  const tab: Tab = search.tab && shown.includes(search.tab) ? search.tab : 'overview';
  const retry = () => void act(() => launchActions.relaunch(launch.uid)).catch(wentWrong);
  return (
    <Stack>
      <Standing
        launch={launch}
        mayChange={mayChange}
        retry={retry}
        cancel={() => menu.ask('cancel', launch)}
        seeLogs={() => change({ tab: 'logs' })}
      />
      <Tabs
        value={tab}
        onChange={(value) => change({ tab: value === 'overview' ? undefined : (value as Tab) })}
        keepMounted={false}
      >
        <Tabs.List aria-label={t('running.tab.label')}>
          {shown.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t(`running.tab.${one}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="overview" pt="md">
          <Stack>
            <Replicas launch={launch} mayChange={mayChange} />
            <Title order={2} size="h4">
              {t('running.chart.title')}
            </Title>
            <Traffic uid={launch.uid} />
            {may('models.use') && launch.state === 'ready' && (
              <Section title={t('running.tab.use')}>
                <CodeSamples launch={launch} />
              </Section>
            )}
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="use" pt="md">
          <CodeSamples launch={launch} />
        </Tabs.Panel>
        <Tabs.Panel value="requests" pt="md">
          <Requests uid={launch.uid} />
        </Tabs.Panel>
        <Tabs.Panel value="logs" pt="md">
          <LogOfReplicas
            uid={launch.uid}
            replicas={launch.replicas}
            replica={search.replica}
            choose={(replica) => change({ replica })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="events" pt="md">
          <LaunchEvents launch={launch} />
        </Tabs.Panel>
        <Tabs.Panel value="settings" pt="md">
          <LaunchSettings launch={launch} mayChange={mayChange} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
