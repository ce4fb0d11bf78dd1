/** Pages for addresses that are none, and for pages that failed. */

import { Anchor, Button, Code, Stack } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { IconBug, IconMapOff } from '@tabler/icons-react';
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import { message } from '@/ui/problems';
import { Empty, Problem } from '@/ui/states';

export function Lost() {
  const { t } = useTranslation();
  useDocumentTitle(`${t('states.lost')} · xplatform`);
  return (
    <Empty icon={<IconMapOff size={26} />} title={t('states.lost')} isPage>
      <Anchor component={Link} to="/">
        {t('states.goHome')}
      </Anchor>
    </Empty>
  );
}

export function Crashed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  if (error instanceof ApiError) return <Problem error={error} retry={reset} />;
  // The console was built anew while this page was open: its old pieces are gone.
  const isOld = /dynamically imported module|module script/i.test(message(error));
  return (
    <Empty
      icon={<IconBug size={26} />}
      title={isOld ? t('states.newVersion') : t('states.crashed')}
      action={<Button onClick={() => location.reload()}>{t('states.reload')}</Button>}
    >
      {!isOld && (
        <Stack gap="xs">
          {t('states.crashedHelp')}
          <Code block>{message(error)}</Code>
        </Stack>
      )}
    </Empty>
  );
}
