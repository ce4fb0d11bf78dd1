import { Badge, Button, Table, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { sent } from '@/api/client';
import { ownLoginsQuery, useEndAllLogins, useEndLogin } from '@/api/own';
import { useFormat } from '@/format/useFormat';
import { sessionQuery } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { wentWrong } from '@/ui/notify';
import { Part } from '@/ui/Part';
import { Loaded } from '@/ui/states';

export function Logins() {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const navigate = useNavigate();
  const logins = useQuery(ownLoginsQuery);
  const end = useEndLogin();
  const endAll = useEndAllLogins();
  const [asking, setAsking] = useState(false);
  return (
    <Part
      title={t('profile.logins')}
      about={t('profile.loginsAbout')}
      actions={
        <Button size="xs" variant="light" color="red" onClick={() => setAsking(true)}>
          {t('profile.endAll')}
        </Button>
      }
    >
      <Loaded
        query={logins}
        lines={2}
        isEmpty={(all) => !all.length}
        empty={<Text size="sm">{t('profile.noLogins')}</Text>}
      >
        {(all) => (
          <Table.ScrollContainer minWidth={560}>
            <Table aria-label={t('profile.logins')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('profile.program')}</Table.Th>
                  <Table.Th>{t('profile.address')}</Table.Th>
                  <Table.Th>{t('profile.since')}</Table.Th>
                  <Table.Th>{t('profile.lastUsed')}</Table.Th>
                  <Table.Th>{t('common.more')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {all.map((one) => (
                  <Table.Tr key={one.id}>
                    <Table.Td>
                      {one.client || t('common.unknown')}{' '}
                      {one.this_one && (
                        <Badge variant="light" tt="none">
                          {t('profile.thisOne')}
                        </Badge>
                      )}
                    </Table.Td>
                    <Table.Td>{one.address}</Table.Td>
                    <Table.Td title={format.moment(one.created)}>{format.ago(one.created)}</Table.Td>
                    <Table.Td title={format.moment(one.refreshed)}>{format.ago(one.refreshed)}</Table.Td>
                    <Table.Td>
                      <Button
                        size="compact-xs"
                        variant="light"
                        color="red"
                        loading={end.isPending && end.variables === one.id}
                        onClick={() => end.mutate(one.id, { onError: wentWrong })}
                      >
                        {t('profile.end')}
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
      <Confirm
        opened={asking}
        close={() => setAsking(false)}
        title={t('profile.endAllTitle')}
        action={t('profile.endAll')}
        run={async () => {
          await endAll.mutateAsync();
          client.clear();
          sent.csrfToken = '';
          await client.fetchQuery(sessionQuery);
          void navigate({ to: '/login' });
        }}
      >
        {t('profile.endAllHelp')}
      </Confirm>
    </Part>
  );
}
