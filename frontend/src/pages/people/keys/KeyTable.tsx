import { Anchor, Code, Group, Text } from '@mantine/core';
import { IconRefresh, IconTrash } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Key } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { type Column, LongTable } from '@/ui/LongTable';
import { RowMenu } from '@/ui/RowMenu';
import { KeyState } from './KeyState';
import { isGood } from './scopes';

type Props = {
  rows: readonly Key[];
  /** of several people; of several projects */
  owners: boolean;
  projects: boolean;
  open: (key: Key) => void;
  rotate: (key: Key) => void;
  revoke: (key: Key) => void;
};

export function KeyTable({ rows, owners, projects, open, rotate, revoke }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo<Column<Key>[]>(() => {
    const owner: Column<Key> = {
      id: 'owner',
      title: t('keys.owner'),
      width: '8rem',
      show: (key) => key.owner,
      by: (key) => key.owner,
    };
    const project: Column<Key> = {
      id: 'project',
      title: t('keys.project'),
      width: '8rem',
      show: (key) => key.project || t('common.all'),
      by: (key) => key.project,
    };
    return [
      {
        id: 'name',
        title: t('common.name'),
        width: 'minmax(15rem, 2fr)',
        by: (key) => key.name,
        show: (key) => (
          <Group gap={8} wrap="nowrap">
            <Anchor component="button" size="sm" fw={600} onClick={() => open(key)}>
              {key.name}
            </Anchor>
            <Code>{key.prefix}</Code>
          </Group>
        ),
      },
      {
        id: 'state',
        title: t('common.state'),
        width: '8rem',
        by: (key) => key.state,
        show: (key) => <KeyState row={key} />,
      },
      ...(owners ? [owner] : []),
      ...(projects ? [project] : []),
      {
        id: 'scope',
        title: t('keys.mayCall'),
        width: 'minmax(8rem, 1fr)',
        show: (key) => (
          <Text span size="sm" truncate>
            {key.models.length ? key.models.join(', ') : t('keys.allModels')}
          </Text>
        ),
      },
      {
        id: 'used',
        title: t('keys.lastUsed'),
        width: '8rem',
        by: (key) => key.last_used ?? null,
        show: (key) => (key.last_used ? format.ago(key.last_used) : t('keys.neverUsed')),
      },
      {
        id: 'expires',
        title: t('keys.ends'),
        width: '7.5rem',
        by: (key) => key.valid_until ?? key.expires ?? null,
        show: (key) => {
          const end = key.valid_until ?? key.expires;
          return end ? <span title={format.moment(end)}>{format.ago(end)}</span> : t('keys.never');
        },
      },
      {
        id: 'menu',
        title: t('common.more'),
        width: '5rem',
        show: (key) => (
          <RowMenu
            label={t('keys.actions', { name: key.name })}
            actions={[
              key.state === 'active' && {
                name: t('keys.rotate'),
                icon: <IconRefresh size={16} />,
                run: () => rotate(key),
              },
              isGood(key) && {
                name: t('keys.revoke'),
                icon: <IconTrash size={16} />,
                run: () => revoke(key),
                grave: true,
              },
            ]}
          />
        ),
      },
    ];
  }, [t, format, owners, projects, open, rotate, revoke]);
  return (
    <LongTable
      label={t('keys.title')}
      rows={rows}
      columns={columns}
      rowId={(key) => key.id}
      onOpen={open}
      sort="name"
    />
  );
}
