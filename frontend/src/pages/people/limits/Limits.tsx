/** Limits in a table: all that one sees, or those about one project. */

import { Button, Group, Text } from '@mantine/core';
import { IconEdit, IconGauge, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { keysQuery } from '@/api/keys';
import { limitsQuery, useDeleteLimit } from '@/api/limits';
import type { Limit } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay, useMe } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { type Column, LongTable } from '@/ui/LongTable';
import { RowMenu } from '@/ui/RowMenu';
import { Empty, Loaded } from '@/ui/states';
import { EditLimit, NewLimit } from './LimitForm';
import { isOf, SCOPES } from './scopes';

export function Limits({ project }: { project?: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const limits = useQuery(limitsQuery);
  const remove = useDeleteLimit();
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<Limit | null>(null);
  const [removing, setRemoving] = useState<Limit | null>(null);
  const columns = useColumns(setEditing, setRemoving);
  const add = may('limits.write') && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      {t('limits.new')}
    </Button>
  );
  return (
    <>
      <Loaded query={limits}>
        {(all) => {
          const rows = project === undefined ? all : all.filter((limit) => isOf(limit, project));
          if (!rows.length)
            return (
              <Empty icon={<IconGauge size={26} />} title={t('limits.empty')} action={add}>
                {t('limits.emptyHelp')}
              </Empty>
            );
          return (
            <>
              <Group justify="flex-end" mb="sm">
                {add}
              </Group>
              <LongTable
                label={t('limits.title')}
                rows={rows}
                columns={columns}
                rowId={(limit) => String(limit.id)}
                sort="scope"
              />
            </>
          );
        }}
      </Loaded>
      {adding && <NewLimit project={project ?? ''} close={() => setAdding(false)} />}
      {editing && <EditLimit limit={editing} close={() => setEditing(null)} />}
      <Confirm
        opened={!!removing}
        close={() => setRemoving(null)}
        title={t('limits.removeTitle')}
        action={t('common.remove')}
        run={async () => removing && remove.mutateAsync(removing.id)}
      >
        {removing && <Sentence limit={removing} />}
      </Confirm>
    </>
  );
}

function useColumns(edit: (limit: Limit) => void, remove: (limit: Limit) => void): Column<Limit>[] {
  const { t } = useTranslation();
  const may = useMay();
  const me = useMe();
  const format = useFormat();
  const whom = useWhom();
  const mayWrite = may('limits.write');
  return useMemo<Column<Limit>[]>(
    () => [
      {
        id: 'scope',
        title: t('limits.whom'),
        width: 'minmax(14rem, 2fr)',
        by: (limit) => SCOPES.indexOf(limit.scope),
        show: whom,
      },
      {
        id: 'kind',
        title: t('limits.what'),
        width: 'minmax(11rem, 1fr)',
        by: (limit) => t(`limits.kinds.${limit.kind}`),
        show: (limit) => t(`limits.kinds.${limit.kind}`),
      },
      {
        id: 'amount',
        title: t('limits.amount'),
        width: '8rem',
        align: 'right',
        by: (limit) => Number(limit.amount),
        show: (limit) => <Text fw={600}>{format.count(Number(limit.amount))}</Text>,
      },
      {
        id: 'model',
        title: t('limits.models'),
        by: (limit) => limit.model,
        show: (limit) => (limit.model === '*' ? t('keys.allModels') : limit.model),
      },
      { id: 'note', title: t('limits.note'), show: (limit) => limit.note || '–' },
      {
        id: 'menu',
        title: t('common.more'),
        width: '5rem',
        show: (limit) => {
          // A project's own limits are set by superusers.
          const isOurs = me?.superuser || limit.scope === 'key' || limit.scope === 'user';
          return (
            mayWrite &&
            isOurs && (
              <RowMenu
                label={t('limits.actions')}
                actions={[
                  { name: t('common.edit'), icon: <IconEdit size={16} />, run: () => edit(limit) },
                  {
                    name: t('common.remove'),
                    icon: <IconTrash size={16} />,
                    run: () => remove(limit),
                    grave: true,
                  },
                ]}
              />
            )
          );
        },
      },
    ],
    [t, format, whom, mayWrite, me?.superuser, edit, remove],
  );
}

/** Whom a limit is about, in words; keys by their names. */
function useWhom(): (limit: Limit) => string {
  const { t } = useTranslation();
  const may = useMay();
  const keys = useQuery({ ...keysQuery, enabled: may('keys.own') });
  return useMemo(() => {
    const names = new Map((keys.data ?? []).map((key) => [key.id, key.name]));
    return (limit) => {
      const subject = limit.scope === 'key' ? (names.get(limit.subject) ?? limit.subject) : limit.subject;
      const who =
        limit.scope === 'everyone'
          ? t('limits.everyone')
          : limit.subject === '*'
            ? t(`limits.each.${limit.scope}`)
            : t(`limits.one.${limit.scope}`, { name: subject });
      return limit.project ? t('limits.within', { who, project: limit.project }) : who;
    };
  }, [t, keys.data]);
}

export function Sentence({ limit }: { limit: Limit }) {
  const { t } = useTranslation();
  const format = useFormat();
  const whom = useWhom();
  return (
    <>
      {whom(limit)}: {format.count(Number(limit.amount))} {t(`limits.kinds.${limit.kind}`)},{' '}
      {limit.model === '*' ? t('keys.allModels') : limit.model}
    </>
  );
}
