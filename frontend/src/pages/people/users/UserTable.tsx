import { Anchor, Badge, Group, Text } from '@mantine/core';
import { IconKey, IconShieldOff, IconTrash, IconUserCheck, IconUserOff } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { User } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMe } from '@/session/session';
import { type Column, LongTable } from '@/ui/LongTable';
import { RowMenu } from '@/ui/RowMenu';
import { useRoleName } from '@/ui/useRoleName';

export type UserDoing = 'password' | 'factor' | 'able' | 'delete';

type Props = {
  rows: readonly User[];
  open: (user: User) => void;
  begin: (what: UserDoing, user: User) => void;
};

export function UserTable({ rows, open, begin }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const roleName = useRoleName();
  const own = useMe()?.username;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the roles' names change with `t`
  const columns = useMemo<Column<User>[]>(
    () => [
      {
        id: 'name',
        title: t('common.name'),
        width: 'minmax(12rem, 2fr)',
        by: (user) => user.username,
        show: (user) => (
          <Group gap={8} wrap="nowrap">
            <Anchor component="button" size="sm" fw={600} onClick={() => open(user)}>
              {user.username}
            </Anchor>
            <Text span size="sm" c="dimmed" truncate>
              {[user.first_name, user.last_name].join(' ').trim() || user.email}
            </Text>
          </Group>
        ),
      },
      {
        id: 'state',
        title: t('common.state'),
        width: '11rem',
        by: (user) => Number(user.is_active) * 2 + Number(user.is_superuser),
        show: (user) => (
          <Group gap={4} wrap="nowrap">
            {!user.is_active && (
              <Badge variant="light" color="orange" tt="none">
                {t('users.disabled')}
              </Badge>
            )}
            {user.is_superuser && (
              <Badge variant="light" tt="none">
                {t('roles.superuser')}
              </Badge>
            )}
            {!user.has_password && (
              <Badge variant="light" color="gray" tt="none" title={t('users.noPasswordHelp')}>
                {t('users.noPassword')}
              </Badge>
            )}
          </Group>
        ),
      },
      {
        id: 'roles',
        title: t('users.roles'),
        width: 'minmax(10rem, 2fr)',
        show: (user) =>
          Object.entries(user.roles)
            .map(([project, role]) => `${project}: ${roleName(role)}`)
            .join(', ') || '–',
      },
      { id: 'groups', title: t('users.groups'), show: (user) => user.groups.join(', ') || '–' },
      {
        id: 'login',
        title: t('users.lastLogin'),
        width: '9rem',
        by: (user) => user.last_login ?? null,
        show: (user) => (user.last_login ? format.ago(user.last_login) : t('keys.neverUsed')),
      },
      {
        id: 'menu',
        title: t('common.more'),
        width: '5rem',
        show: (user) => {
          const hindered = user.username === own ? t('users.notYourself') : undefined;
          return (
            <RowMenu
              label={t('users.actions', { name: user.username })}
              actions={[
                {
                  name: t('users.setPassword'),
                  icon: <IconKey size={16} />,
                  run: () => begin('password', user),
                },
                {
                  name: t('users.removeFactor'),
                  icon: <IconShieldOff size={16} />,
                  run: () => begin('factor', user),
                },
                {
                  name: user.is_active ? t('users.disable') : t('users.enable'),
                  icon: user.is_active ? <IconUserOff size={16} /> : <IconUserCheck size={16} />,
                  run: () => begin('able', user),
                  hindered,
                },
                {
                  name: t('users.delete'),
                  icon: <IconTrash size={16} />,
                  run: () => begin('delete', user),
                  grave: true,
                  hindered,
                },
              ]}
            />
          );
        },
      },
    ],
    [t, format, open, begin, own],
  );
  return (
    <LongTable
      label={t('users.title')}
      rows={rows}
      columns={columns}
      rowId={(user) => user.username}
      onOpen={open}
      sort="name"
    />
  );
}
