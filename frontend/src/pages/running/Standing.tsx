/** Where a launch stands: on its way with progress, failed with the reason and what to do, waiting to be called. */

import { Alert, Button, Group, Progress, Stack, Stepper, Text } from '@mantine/core';
import { IconAlertTriangle, IconClock, IconRefresh, IconRocket, IconTerminal2 } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { LaunchDetail } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { inWords } from '@/i18n/reasons';
import { useMay } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { useNow } from '@/ui/useNow';
import { LogTail } from './LogTail';
import { PHASES, phaseOf } from './phases';
import { liveReplicas } from './rows';

type Props = {
  launch: LaunchDetail;
  mayChange: boolean;
  retry: () => void;
  cancel: () => void;
  seeLogs: () => void;
};

export function Standing({ launch, mayChange, retry, cancel, seeLogs }: Props) {
  if (launch.state === 'starting') return <OnItsWay {...{ launch, mayChange, cancel }} />;
  if (launch.state === 'failed') return <Failed {...{ launch, mayChange, retry, seeLogs }} />;
  if (launch.state === 'stopped') return <Stopped {...{ launch, mayChange, retry }} />;
  return null;
}

function OnItsWay({ launch, mayChange, cancel }: Pick<Props, 'launch' | 'mayChange' | 'cancel'>) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const phase = phaseOf(launch);
  const line = inWords(launch.message_told, launch.message) || inWords(launch.reason_told, launch.reason);
  const percent = Math.round(launch.progress * 100);
  return (
    <Alert color="blue" variant="light" title={t('running.standing.starting')}>
      <Stack gap="sm">
        <Stepper
          active={PHASES.indexOf(phase)}
          size="xs"
          iconSize={26}
          aria-label={t('running.standing.phases')}
        >
          {PHASES.map((one) => (
            <Stepper.Step
              key={one}
              label={t(`running.phase.${one}`)}
              loading={one === phase}
              aria-current={one === phase ? 'step' : undefined}
            />
          ))}
        </Stepper>
        <div>
          <Progress
            value={launch.progress > 0 ? percent : 100}
            animated
            aria-label={t('running.progressOf', { uid: launch.uid })}
          />
          <Group justify="space-between" mt={4} wrap="nowrap" align="flex-start">
            <Text size="sm">
              <span role="status">{t(`running.phase.${phase}`)}</span>{' '}
              {percent > 0 && format.percent(launch.progress, 1)} {line && `· ${line}`}
            </Text>
            <Text size="xs" c="dimmed" ta="right">
              {launch.start_seconds !== null &&
                t('running.standing.lastTime', { time: format.seconds(launch.start_seconds) })}
            </Text>
          </Group>
        </div>
        {may('logs.read') && launch.replicas.length > 0 && <LogTail uid={launch.uid} height={180} />}
        {mayChange && (
          <Group>
            <Button size="xs" variant="default" onClick={cancel}>
              {t('running.do.cancel')}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}

function Failed({ launch, mayChange, retry, seeLogs }: Omit<Props, 'cancel'>) {
  const { t } = useTranslation();
  const may = useMay();
  const now = useNow();
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle size={18} />}
      title={t('running.standing.failed')}
      role="alert"
    >
      <Stack gap="sm">
        <Text size="sm">
          {inWords(launch.reason_told, launch.reason) ||
            inWords(launch.message_told, launch.message) ||
            t('running.standing.noReason')}
        </Text>
        {launch.retry_at && new Date(launch.retry_at).getTime() > now && (
          <Text size="sm">
            {t('running.standing.retry')} <Ago at={launch.retry_at} />
          </Text>
        )}
        <Group gap="xs">
          {mayChange && (
            <Button size="xs" leftSection={<IconRefresh size={14} aria-hidden />} onClick={retry}>
              {t('common.tryAgain')}
            </Button>
          )}
          {mayChange && !launch.built_in && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconRocket size={14} aria-hidden />}
              renderRoot={(props) => <Link to="/launch" search={{ from: launch.uid } as never} {...props} />}
            >
              {t('running.do.again')}
            </Button>
          )}
          {may('logs.read') && launch.replicas.length > 0 && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconTerminal2 size={14} aria-hidden />}
              onClick={seeLogs}
            >
              {t('running.standing.seeLogs')}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

function Stopped({ launch, mayChange, retry }: Pick<Props, 'launch' | 'mayChange' | 'retry'>) {
  const { t } = useTranslation();
  const isOnCall = launch.built_in || launch.origin !== 'launch' || launch.min_replicas === 0;
  return (
    <Alert
      color="gray"
      variant="light"
      icon={<IconClock size={18} />}
      title={t(isOnCall ? 'running.standing.onCall' : 'running.standing.stopped')}
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm">
          {inWords(launch.reason_told, launch.reason) ||
            t(isOnCall ? 'running.standing.onCallHelp' : 'running.standing.stoppedHelp')}{' '}
          {liveReplicas(launch).length > 0 && t('running.standing.draining')}
        </Text>
        {mayChange && (
          <Button size="xs" variant="light" onClick={retry}>
            {t('running.do.start')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
