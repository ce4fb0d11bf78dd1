import { Badge, Button, Group, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { authorizationsQuery, useRevokeAuthorization } from '@/api/own';
import type { Authorization } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { Confirm } from '@/ui/confirm';
import { Part } from '@/ui/Part';
import { Loaded } from '@/ui/states';

export function Authorizations() {
  const { t } = useTranslation();
  const format = useFormat();
  const given = useQuery(authorizationsQuery);
  const revoke = useRevokeAuthorization();
  const [asking, setAsking] = useState<Authorization | null>(null);
  const projectOf = (one: Authorization) => (one.project === '*' ? t('common.all') : one.project || '–');
  return (
    <Part title={t('profile.applications')} about={t('profile.applicationsAbout')}>
      <Loaded
        query={given}
        lines={2}
        isEmpty={(all) => !all.length}
        empty={<Text size="sm">{t('profile.noApplications')}</Text>}
      >
        {(all) => (
          <Table.ScrollContainer minWidth={560}>
            <Table aria-label={t('profile.applications')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('common.name')}</Table.Th>
                  <Table.Th>{t('keys.project')}</Table.Th>
                  <Table.Th>{t('keys.may')}</Table.Th>
                  <Table.Th>{t('profile.since')}</Table.Th>
                  <Table.Th>{t('common.more')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {all.map((one) => (
                  <Table.Tr key={`${one.client_id} ${one.project}`}>
                    <Table.Td>{one.name}</Table.Td>
                    <Table.Td>{projectOf(one)}</Table.Td>
                    <Table.Td>
                      <Group gap={4}>
                        {one.scopes.map((scope) => (
                          <Badge key={scope} variant="light" tt="none" color="gray">
                            {scope}
                          </Badge>
                        ))}
                      </Group>
                    </Table.Td>
                    <Table.Td title={format.moment(one.since)}>{format.ago(one.since)}</Table.Td>
                    <Table.Td>
                      <Button size="compact-xs" variant="light" color="red" onClick={() => setAsking(one)}>
                        {t('profile.revoke')}
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
        opened={!!asking}
        close={() => setAsking(null)}
        title={t('profile.revokeTitle', { name: asking?.name ?? '' })}
        action={t('profile.revoke')}
        run={() => revoke.mutateAsync(asking?.client_id ?? '')}
      >
        {t('profile.revokeHelp')}
      </Confirm>
    </Part>
  );
}
