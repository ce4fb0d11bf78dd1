import { Alert, Button, Group, Table } from '@mantine/core';
import { IconLockOpen } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { lockoutsQuery, useUnlock } from '@/api/users';
import { useFormat } from '@/format/useFormat';
import { said, wentWrong } from '@/ui/notify';
import { Empty, Loaded } from '@/ui/states';

const EVERYBODY = { account: '', address: '' };

export function Lockouts() {
  const { t } = useTranslation();
  const format = useFormat();
  const locks = useQuery({ ...lockoutsQuery, refetchInterval: 10_000 });
  const unlock = useUnlock();
  const open = (which: typeof EVERYBODY) =>
    unlock.mutate(which, {
      onSuccess: ({ unlocked }) => said(t('users.unlocked', { count: unlocked })),
      onError: wentWrong,
    });
  return (
    <Loaded
      query={locks}
      isEmpty={(all) => !all.length}
      empty={
        <Empty icon={<IconLockOpen size={26} />} title={t('users.noLocks')}>
          {t('users.locksAbout')}
        </Empty>
      }
    >
      {(all) => (
        <>
          <Group justify="space-between">
            <Alert variant="light" flex={1}>
              {t('users.locksAbout')}
            </Alert>
            <Button variant="default" onClick={() => open(EVERYBODY)}>
              {t('users.unlockAll')}
            </Button>
          </Group>
          <Table.ScrollContainer minWidth={600}>
            <Table aria-label={t('users.lockouts')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('users.what')}</Table.Th>
                  <Table.Th>{t('users.account')}</Table.Th>
                  <Table.Th>{t('profile.address')}</Table.Th>
                  <Table.Th>{t('users.failures')}</Table.Th>
                  <Table.Th>{t('users.waits')}</Table.Th>
                  <Table.Th>{t('common.more')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {all.map((lock) => (
                  <Table.Tr key={`${lock.what} ${lock.account} ${lock.address}`}>
                    <Table.Td>{t(`users.whats.${lock.what}`)}</Table.Td>
                    <Table.Td>{lock.account || '–'}</Table.Td>
                    <Table.Td>{lock.address || '–'}</Table.Td>
                    <Table.Td>{format.count(lock.failures)}</Table.Td>
                    <Table.Td>{format.seconds(lock.seconds)}</Table.Td>
                    <Table.Td>
                      {(lock.account || lock.address) && (
                        <Button
                          size="compact-xs"
                          variant="light"
                          onClick={() => open({ account: lock.account, address: lock.address })}
                        >
                          {t('users.unlock')}
                        </Button>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </>
      )}
    </Loaded>
  );
}
