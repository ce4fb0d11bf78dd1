import { Badge, Button, Group, Pill, Table } from '@mantine/core';
import { IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Group as GroupOfUsers } from '@/api/schema';
import { groupsQuery, useDeleteGroup, useJoinGroup, useLeaveGroup } from '@/api/users';
import { Confirm } from '@/ui/confirm';
import { wentWrong } from '@/ui/notify';
import { RowMenu } from '@/ui/RowMenu';
import { Empty, Loaded } from '@/ui/states';
import { useRoleName } from '@/ui/useRoleName';
import { NameForm } from './NameForm';

export function Groups({ create }: { create: () => void }) {
  const { t } = useTranslation();
  const roleName = useRoleName();
  const groups = useQuery(groupsQuery);
  const join = useJoinGroup();
  const leave = useLeaveGroup();
  const remove = useDeleteGroup();
  const [adding, setAdding] = useState<GroupOfUsers | null>(null);
  const [removing, setRemoving] = useState<GroupOfUsers | null>(null);
  return (
    <Loaded
      query={groups}
      isEmpty={(all) => !all.length}
      empty={
        <Empty
          icon={<IconUsersGroup size={26} />}
          title={t('users.noGroups')}
          action={<Button onClick={create}>{t('users.newGroup')}</Button>}
        >
          {t('users.noGroupsHelp')}
        </Empty>
      }
    >
      {(all) => (
        <Table.ScrollContainer minWidth={600}>
          <Table aria-label={t('users.groups')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('common.name')}</Table.Th>
                <Table.Th>{t('users.members')}</Table.Th>
                <Table.Th>{t('users.roles')}</Table.Th>
                <Table.Th w={80}>{t('common.more')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {all.map((group) => (
                <Table.Tr key={group.name}>
                  <Table.Th scope="row">{group.name}</Table.Th>
                  <Table.Td>
                    <Group gap={6}>
                      {group.members.map((username) => (
                        <Pill
                          key={username}
                          withRemoveButton
                          removeButtonProps={{
                            'aria-label': t('users.takeOut', { name: username, group: group.name }),
                            'aria-hidden': false,
                            tabIndex: 0,
                          }}
                          onRemove={() =>
                            leave.mutate({ name: group.name, username }, { onError: wentWrong })
                          }
                        >
                          {username}
                        </Pill>
                      ))}
                      <Button size="compact-xs" variant="default" onClick={() => setAdding(group)}>
                        {t('common.add')}
                      </Button>
                    </Group>
                  </Table.Td>
                  <Table.Td>
                    <Group gap={4}>
                      {Object.entries(group.roles).map(([project, role]) => (
                        <Badge key={project} variant="light" color="gray" tt="none">
                          {project}: {roleName(role)}
                        </Badge>
                      ))}
                    </Group>
                  </Table.Td>
                  <Table.Td>
                    <RowMenu
                      label={t('users.actions', { name: group.name })}
                      actions={[{ name: t('users.deleteGroup'), grave: true, run: () => setRemoving(group) }]}
                    />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {adding && (
            <NameForm
              title={t('users.addTo', { group: adding.name })}
              label={t('login.username')}
              action={t('common.add')}
              ofUser
              close={() => setAdding(null)}
              run={(username) => join.mutateAsync({ name: adding.name, username })}
            />
          )}
          <Confirm
            opened={!!removing}
            close={() => setRemoving(null)}
            title={t('users.deleteTitle', { name: removing?.name ?? '' })}
            action={t('users.deleteGroup')}
            run={() => remove.mutateAsync(removing?.name ?? '')}
          >
            {t('users.deleteGroupHelp')}
          </Confirm>
        </Table.ScrollContainer>
      )}
    </Loaded>
  );
}
