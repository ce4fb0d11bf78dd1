/** Files that are on the nodes: how large, used when and by whom; removed after asking. */

import { Anchor, Badge, Group, Text } from '@mantine/core';
import { IconCopy, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRemoveFiles } from '@/api/files';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { Confirm } from '@/ui/confirm';
import { copyText } from '@/ui/copyText';
import { type Column, LongTable } from '@/ui/LongTable';
import { said, wentWrong } from '@/ui/notify';
import { RowMenu } from '@/ui/RowMenu';
import { type CachedRow, freed, replicaUsing } from './rows';

export function CachedTable({ rows }: { rows: CachedRow[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const remove = useRemoveFiles();
  const [going, setGoing] = useState<CachedRow | null>(null);
  const users = (row: CachedRow) =>
    row.used_by.map((user) => {
      const replica = replicaUsing(user);
      return replica ? t('running.replicaOf', replica) : user;
    });
  const copyPath = async (path: string) => {
    if (await copyText(path)) said(t('common.copied'));
    else wentWrong(new Error(t('common.copyFailed')));
  };
  const columns: Column<CachedRow>[] = [
    {
      id: 'name',
      title: t('common.name'),
      by: (row) => row.name,
      width: 'minmax(16rem, 2fr)',
      show: (row) => <span title={row.path}>{row.name}</span>,
    },
    {
      id: 'family',
      title: t('files.model'),
      by: (row) => row.family?.name ?? null,
      width: 'minmax(9rem, 1fr)',
      show: (row) =>
        row.family && (
          <Anchor
            size="sm"
            renderRoot={(props) => (
              <Link
                to="/models/$kind/$name"
                params={{ kind: row.family?.kind ?? '', name: row.family?.name ?? '' }}
                {...props}
              />
            )}
          >
            {row.family.name}
          </Anchor>
        ),
    },
    {
      id: 'size',
      title: t('files.size'),
      by: (row) => row.size + row.partial,
      align: 'right',
      width: 'minmax(7rem, 0.6fr)',
      show: (row) => (
        <span title={row.partial ? t('files.partial', { size: format.bytes(row.partial) }) : undefined}>
          {format.bytes(row.size + row.partial)}
        </span>
      ),
    },
    {
      id: 'node',
      title: t('files.node'),
      by: (row) => row.node,
      width: 'minmax(7rem, 0.7fr)',
      show: (row) => row.node,
    },
    {
      id: 'hub',
      title: t('files.hub'),
      by: (row) => row.hub,
      width: 'minmax(7rem, 0.7fr)',
      show: (row) => row.hub,
    },
    {
      id: 'used',
      title: t('files.lastUsed'),
      by: (row) => row.last_used,
      width: 'minmax(8rem, 0.8fr)',
      show: (row) => (row.last_used ? <Ago at={new Date(row.last_used * 1000)} /> : '–'),
    },
    {
      id: 'by',
      title: t('files.usedBy'),
      by: (row) => row.used_by.length,
      width: 'minmax(9rem, 1fr)',
      show: (row) =>
        row.used_by.length > 0 ? (
          <Group gap={4} wrap="nowrap" title={users(row).join('\n')}>
            <Badge variant="light" color="teal" tt="none" miw={0}>
              {users(row)[0]}
            </Badge>
            {row.used_by.length > 1 && (
              <Text span size="sm">
                {t('files.andMore', { count: row.used_by.length - 1 })}
              </Text>
            )}
          </Group>
        ) : (
          <Text span size="sm" c="dimmed">
            {t('files.nobody')}
          </Text>
        ),
    },
    {
      id: 'menu',
      title: t('common.more'),
      width: '4.5rem',
      show: (row) => (
        <RowMenu
          label={t('files.actionsOf', { name: row.name })}
          actions={[
            {
              name: t('files.copyPath'),
              icon: <IconCopy size={16} />,
              run: () => void copyPath(row.path),
            },
            may('files.write') && {
              name: t('common.remove'),
              icon: <IconTrash size={16} />,
              grave: true,
              hindered: row.used_by.length ? t('files.inUse', { names: users(row).join('; ') }) : undefined,
              run: () => setGoing(row),
            },
          ]}
        />
      ),
    },
  ];
  return (
    <>
      <LongTable
        label={t('files.cachedTable')}
        rows={rows}
        columns={columns}
        rowId={(row) => `${row.node} ${row.id}`}
        sort="-used"
      />
      {going && (
        <Confirm
          opened
          close={() => setGoing(null)}
          title={t('files.removeTitle', { name: going.name })}
          action={t('common.remove')}
          run={async () => {
            await remove.mutateAsync({ node: going.node, entry: going.id });
            said(t('files.removed', { name: going.name }));
          }}
        >
          {t('files.removeHelp', { node: going.node, size: format.bytes(freed(going)) })}
          {going.linked > 0 && ` ${t('files.linked', { size: format.bytes(going.linked) })}`}
        </Confirm>
      )}
    </>
  );
}
