/** Requests that wait or run now; one can be ended. */

import { Badge, Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { launchActions, requestsQuery } from '@/api/launches';
import type { InFlight } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { type Column, LongTable } from '@/ui/LongTable';
import { said, wentWrong } from '@/ui/notify';
import { Empty, Loaded } from '@/ui/states';
import { useNow } from '@/ui/useNow';

export function Requests({ uid }: { uid: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const query = useQuery(requestsQuery(uid));
  const now = useNow(1);
  const cancel = async (request: InFlight) => {
    try {
      await launchActions.cancelRequest(uid, request.id);
      said(t('running.request.cancelled'));
    } catch (error) {
      wentWrong(error);
    }
    void client.invalidateQueries({ queryKey: ['requests', uid] });
  };
  const columns: Column<InFlight>[] = [
    {
      id: 'state',
      title: t('common.state'),
      by: (request) => request.state,
      show: (request) => (
        <Badge variant="light" tt="none" color={request.state === 'running' ? 'teal' : 'orange'}>
          {t(`running.request.${request.state}`)}
        </Badge>
      ),
    },
    { id: 'kind', title: t('running.kind'), by: (request) => request.kind, show: (request) => request.kind },
    {
      id: 'since',
      title: t('running.request.since'),
      align: 'right',
      by: (request) => -new Date(request.since).getTime(),
      show: (request) => format.seconds(Math.max(0, (now - new Date(request.since).getTime()) / 1000)),
    },
    {
      id: 'tokens',
      title: t('running.request.tokens'),
      align: 'right',
      by: (request) => request.tokens,
      show: (request) => format.count(request.tokens),
    },
    {
      id: 'who',
      title: t('running.request.who'),
      by: (request) => request.user,
      show: (request) =>
        request.own
          ? t('running.request.own')
          : [request.user, request.key].filter(Boolean).join(' · ') || t('running.request.somebody'),
    },
    {
      id: 'id',
      title: t('running.request.id'),
      width: 'minmax(10rem, 2fr)',
      show: (request) => <span title={request.request_id}>{request.request_id || '–'}</span>,
    },
    {
      id: 'do',
      title: t('running.actions'),
      show: (request) =>
        request.may_cancel && (
          <Button size="compact-xs" variant="light" color="red" onClick={() => void cancel(request)}>
            {t('running.request.cancel')}
          </Button>
        ),
    },
  ];
  return (
    <Loaded
      query={query}
      isEmpty={(requests) => !requests.length}
      empty={<Empty title={t('running.request.none')}>{t('running.request.noneHelp')}</Empty>}
    >
      {(requests) => (
        <LongTable
          label={t('running.tab.requests')}
          rows={requests}
          columns={columns}
          rowId={(request) => request.id}
          sort="since"
        />
      )}
    </Loaded>
  );
}
