import { Badge, Button, Code, Group, Stack, Table, Text } from '@mantine/core';
import { IconApps, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Application } from '@/api/schema';
import {
  applicationsQuery,
  useChangeApplication,
  useDeleteApplication,
  useNewApplicationSecret,
} from '@/api/signIn';
import { CopyBlock } from '@/ui/Copy';
import { Confirm } from '@/ui/confirm';
import { Side } from '@/ui/FormDrawer';
import { wentWrong } from '@/ui/notify';
import { RowMenu } from '@/ui/RowMenu';
import { Empty, Loaded } from '@/ui/states';
import { ApplicationForm, type Secret } from './ApplicationForm';

/** What `xplatform login` is: it can be disabled, and stays. */
const COMMAND_LINE = 'xplatform-cli';

type Asking = { one: Application; what: 'remove' | 'secret' };

export function Applications() {
  const { t } = useTranslation();
  const applications = useQuery(applicationsQuery);
  const change = useChangeApplication();
  const remove = useDeleteApplication();
  const renew = useNewApplicationSecret();
  const [editing, setEditing] = useState<Application | 'new' | null>(null);
  const [asking, setAsking] = useState<Asking | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
      {t('signIn.newApplication')}
    </Button>
  );
  const name = asking?.one.name ?? '';
  return (
    <>
      <Loaded
        query={applications}
        isEmpty={(all) => !all.length}
        empty={
          <Empty icon={<IconApps size={26} />} title={t('signIn.noApplications')} action={add}>
            {t('signIn.noApplicationsHelp')}
          </Empty>
        }
      >
        {(all) => (
          <>
            <Group justify="flex-end" mb="sm">
              {add}
            </Group>
            <Table.ScrollContainer minWidth={720}>
              <Table aria-label={t('signIn.tabs.applications')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('common.name')}</Table.Th>
                    <Table.Th>{t('signIn.clientId')}</Table.Th>
                    <Table.Th>{t('signIn.grant')}</Table.Th>
                    <Table.Th>{t('keys.project')}</Table.Th>
                    <Table.Th>{t('keys.owner')}</Table.Th>
                    <Table.Th w={80}>{t('common.more')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {all.map((one) => (
                    <Table.Tr key={one.client_id}>
                      <Table.Td>
                        <Group gap="xs">
                          {one.name}
                          {one.disabled && (
                            <Badge variant="light" tt="none" color="orange">
                              {t('users.disabled')}
                            </Badge>
                          )}
                        </Group>
                      </Table.Td>
                      <Table.Td>
                        <Code>{one.client_id}</Code>
                      </Table.Td>
                      <Table.Td>{t(`signIn.grants.${one.grant}`)}</Table.Td>
                      <Table.Td>{one.project || t('common.all')}</Table.Td>
                      <Table.Td>{one.owner}</Table.Td>
                      <Table.Td>
                        <RowMenu
                          label={t('settings.actions', { name: one.name })}
                          actions={[
                            { name: t('common.edit'), run: () => setEditing(one) },
                            {
                              name: one.disabled ? t('users.enable') : t('users.disable'),
                              run: () =>
                                change.mutate(
                                  { client_id: one.client_id, disabled: !one.disabled },
                                  { onError: wentWrong },
                                ),
                            },
                            one.confidential && {
                              name: t('settings.newSecret'),
                              run: () => setAsking({ one, what: 'secret' }),
                            },
                            one.client_id !== COMMAND_LINE && {
                              name: t('common.remove'),
                              run: () => setAsking({ one, what: 'remove' }),
                              grave: true,
                            },
                          ]}
                        />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </>
        )}
      </Loaded>
      {editing && (
        <ApplicationForm
          application={editing === 'new' ? null : editing}
          made={setSecret}
          close={() => setEditing(null)}
        />
      )}
      {secret && (
        <Side title={t('signIn.credentials')} close={() => setSecret(null)}>
          <Stack>
            <Text size="sm">{t('signIn.clientId')}</Text>
            <CopyBlock text={secret.client_id} label={t('signIn.clientId')} />
            {secret.client_secret && (
              <>
                <Text size="sm">{t('signIn.secretOnce')}</Text>
                <CopyBlock text={secret.client_secret} label={t('signIn.clientSecret')} />
              </>
            )}
            <Button onClick={() => setSecret(null)}>{t('keys.kept')}</Button>
          </Stack>
        </Side>
      )}
      <Confirm
        opened={!!asking}
        close={() => setAsking(null)}
        title={
          asking?.what === 'secret'
            ? t('settings.newSecretTitle', { name })
            : t('signIn.removeTitle', { name })
        }
        action={asking?.what === 'secret' ? t('settings.newSecret') : t('common.remove')}
        run={async () => {
          if (asking?.what === 'secret') setSecret(await renew.mutateAsync(asking.one.client_id));
          else if (asking) await remove.mutateAsync(asking.one.client_id);
        }}
      >
        {asking?.what === 'secret' ? t('signIn.newSecretHelp') : t('signIn.removeApplicationHelp')}
      </Confirm>
    </>
  );
}
