/** What was launched by hand and terminated, and why it ended. */

import { Button, Group } from '@mantine/core';
import { IconPlayerPlay, IconRocket } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { launchActions, useLaunchAction } from '@/api/launches';
import type { Launch } from '@/api/schema';
import { inWords } from '@/i18n/reasons';
import { useMay, useMe } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { type Column, LongTable } from '@/ui/LongTable';
import { wentWrong } from '@/ui/notify';
import { Name } from './LaunchTable';
import { isOurs } from './rows';

export function PastTable({ launches }: { launches: readonly Launch[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const me = useMe();
  const act = useLaunchAction();
  const start = async (uid: string) => {
    try {
      await act(() => launchActions.relaunch(uid));
      await navigate({ to: '/running/$uid', params: { uid } });
    } catch (error) {
      wentWrong(error);
    }
  };
  const columns: Column<Launch>[] = [
    {
      id: 'uid',
      title: t('common.name'),
      width: 'minmax(12rem, 2fr)',
      by: (launch) => launch.uid,
      show: (launch) => <Name launch={launch} />,
    },
    {
      id: 'what',
      title: t('running.model'),
      width: 'minmax(10rem, 1fr)',
      by: (launch) => launch.family,
      show: (launch) => launch.family || launch.source.id || launch.model_path || '–',
    },
    {
      id: 'engine',
      title: t('running.engine'),
      by: (launch) => launch.engine,
      show: (launch) => launch.engine,
    },
    {
      id: 'by',
      title: t('running.requestedBy'),
      by: (launch) => launch.requested_by,
      show: (launch) => launch.requested_by || '–',
    },
    {
      id: 'created',
      title: t('running.created'),
      by: (launch) => -new Date(launch.created).getTime(),
      show: (launch) => <Ago at={launch.created} />,
    },
    {
      id: 'reason',
      title: t('running.reason'),
      width: 'minmax(12rem, 2fr)',
      show: (launch) => (
        <span title={inWords(launch.reason_told, launch.reason)}>
          {inWords(launch.reason_told, launch.reason) || t('running.terminated')}
        </span>
      ),
    },
    {
      id: 'do',
      title: t('running.actions'),
      width: '20rem',
      show: (launch) =>
        may('launches.write') &&
        isOurs(launch, me) && (
          <Group gap={6} wrap="nowrap">
            <Button
              size="compact-xs"
              variant="light"
              leftSection={<IconPlayerPlay size={14} aria-hidden />}
              onClick={() => void start(launch.uid)}
            >
              {t('running.do.start')}
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconRocket size={14} aria-hidden />}
              renderRoot={(props) => <Link to="/launch" search={{ from: launch.uid } as never} {...props} />}
            >
              {t('running.do.again')}
            </Button>
          </Group>
        ),
    },
  ];
  return (
    <LongTable
      label={t('running.view.past')}
      rows={launches}
      columns={columns}
      rowId={(launch) => launch.uid}
      onOpen={(launch) => void navigate({ to: '/running/$uid', params: { uid: launch.uid } })}
    />
  );
}
