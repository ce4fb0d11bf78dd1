/** What stands where data would be: still loading, nothing there, an error, not allowed. Each says what to do. */

import { Alert, Button, Center, Loader, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconAlertTriangle, IconLock, IconPlugConnectedX } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import { useMe } from '@/session/session';
import { detailOf, titleOf } from './problems';
import { useRoleName } from './useRoleName';

/** Renders its children with the data of a query, or what stands in for it. */
export function Loaded<T>({
  query,
  children,
  lines = 5,
  isEmpty,
  empty,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  /** how tall the placeholder is */
  lines?: number;
  isEmpty?: (data: T) => boolean;
  empty?: ReactNode;
}) {
  if (query.data !== undefined) {
    if (isEmpty?.(query.data) && empty) return <>{empty}</>;
    return (
      <>
        {query.isError && <ProblemAlert error={query.error} retry={() => void query.refetch()} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) return <Problem error={query.error} retry={() => void query.refetch()} />;
  return <Placeholder lines={lines} />;
}

export function Placeholder({ lines = 5 }: { lines?: number }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" aria-busy="true" role="status" aria-label={t('common.loading')}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never change places
        <Skeleton key={line} height={28} radius="sm" width={line === lines - 1 ? '60%' : '100%'} />
      ))}
    </Stack>
  );
}

export function Waiting() {
  const { t } = useTranslation();
  return (
    <Center mih={240} role="status" aria-label={t('common.loading')}>
      <Loader type="dots" />
    </Center>
  );
}

/** Nothing there yet, and how something gets there. */
export function Empty({
  icon,
  title,
  children,
  action,
  isPage = false,
}: {
  icon?: ReactNode;
  title: string;
  /** it is all that the page has */
  isPage?: boolean;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <Center mih={220} p="md">
      <Stack align="center" gap="xs" maw={480}>
        {icon && (
          <ThemeIcon variant="light" size={52} radius="xl" color="gray">
            {icon}
          </ThemeIcon>
        )}
        <Title order={isPage ? 1 : 2} size="h4" ta="center">
          {title}
        </Title>
        {children && (
          <Text c="dimmed" size="sm" ta="center" component="div">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

export function NoPermission({ action }: { action?: string }) {
  const { t } = useTranslation();
  const me = useMe();
  const roleName = useRoleName();
  return (
    <Empty icon={<IconLock size={26} />} title={t('states.noPermission')}>
      {action
        ? t('states.needsAction', {
            action,
            role: me?.role ? roleName(me.role) : t('common.none'),
            project: me?.project || t('common.all'),
          })
        : t('states.askAdmin')}
    </Empty>
  );
}

/** In place of a page's content. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  if (error instanceof ApiError && error.status === 403) return <NoPermission />;
  const isAway = error instanceof ApiError && error.status === 0;
  return (
    <Empty
      icon={isAway ? <IconPlugConnectedX size={26} /> : <IconAlertTriangle size={26} />}
      title={titleOf(error) ?? t('states.failed')}
      action={
        retry && (
          <Button variant="light" onClick={retry}>
            {t('common.tryAgain')}
          </Button>
        )
      }
    >
      {isAway ? t('states.unreachableHelp') : detailOf(error)}
    </Empty>
  );
}

/** Above content that is still shown, or in a form. */
export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  if (!error) return null;
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle size={18} />}
      role="alert"
      title={titleOf(error)}
    >
      {detailOf(error)}
      {retry && (
        <>
          {' '}
          <Button size="compact-xs" variant="subtle" color="red" onClick={retry}>
            {t('common.tryAgain')}
          </Button>
        </>
      )}
    </Alert>
  );
}
