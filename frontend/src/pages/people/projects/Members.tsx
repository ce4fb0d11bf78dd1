import { Badge, Button, Group, Select, Table } from '@mantine/core';
import { IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { membersQuery, useRemoveMember, useSetRole } from '@/api/projects';
import type { Member, Project, Role } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMe } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { wentWrong } from '@/ui/notify';
import { Empty, Loaded } from '@/ui/states';
import { useRoleName } from '@/ui/useRoleName';
import { givable, ROLES } from '../roles';
import { NewMember } from './NewMember';

export function Members({ project }: { project: Project }) {
  const { t } = useTranslation();
  const format = useFormat();
  const roleName = useRoleName();
  const me = useMe();
  const members = useQuery(membersQuery(project.slug));
  const setRole = useSetRole(project.slug);
  const remove = useRemoveMember(project.slug);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const own = me?.superuser ? 'superuser' : project.role;
  const manages = !project.archived && (own === 'superuser' || own === 'admin' || own === 'owner');
  /** Nobody changes somebody who has more than themselves. */
  const may = (member: Member) => manages && givable(own).includes(member.role);
  const options = (roles: readonly Role[]) => roles.map((role) => ({ value: role, label: roleName(role) }));
  return (
    <>
      {manages && (
        <Group justify="flex-end" mb="sm">
          <Button leftSection={<IconUserPlus size={16} />} onClick={() => setAdding(true)}>
            {t('projects.add')}
          </Button>
        </Group>
      )}
      <Loaded
        query={members}
        isEmpty={(all) => !all.length}
        empty={
          <Empty icon={<IconUsers size={26} />} title={t('projects.noMembers')}>
            {t('projects.noMembersHelp')}
          </Empty>
        }
      >
        {(all) => (
          <Table.ScrollContainer minWidth={520}>
            <Table aria-label={t('projects.tabs.members')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('common.name')}</Table.Th>
                  <Table.Th>{t('roles.role')}</Table.Th>
                  <Table.Th>{t('profile.since')}</Table.Th>
                  <Table.Th>{t('common.more')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {all.map((member) => (
                  <Table.Tr key={`${member.kind} ${member.name}`}>
                    <Table.Td>
                      <Group gap="xs">
                        {member.name}
                        {member.kind === 'group' && (
                          <Badge variant="light" color="gray" tt="none">
                            {t('projects.group')}
                          </Badge>
                        )}
                      </Group>
                    </Table.Td>
                    <Table.Td>
                      {may(member) ? (
                        <Select
                          size="xs"
                          w={140}
                          aria-label={t('projects.roleOf', { name: member.name })}
                          data={options(givable(own))}
                          value={member.role}
                          allowDeselect={false}
                          disabled={setRole.isPending}
                          onChange={(value) => {
                            const role = ROLES.find((one) => one === value);
                            if (role && role !== member.role)
                              setRole.mutate(
                                { kind: member.kind, name: member.name, role },
                                { onError: wentWrong },
                              );
                          }}
                        />
                      ) : (
                        roleName(member.role)
                      )}
                    </Table.Td>
                    <Table.Td title={format.moment(member.created)}>{format.ago(member.created)}</Table.Td>
                    <Table.Td>
                      {may(member) && (
                        <Button
                          size="compact-xs"
                          variant="light"
                          color="red"
                          onClick={() => setRemoving(member)}
                        >
                          {t('common.remove')}
                        </Button>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
      {adding && <NewMember slug={project.slug} own={own} close={() => setAdding(false)} />}
      <Confirm
        opened={!!removing}
        close={() => setRemoving(null)}
        title={t('projects.removeTitle', { name: removing?.name ?? '' })}
        action={t('common.remove')}
        run={async () => removing && remove.mutateAsync({ kind: removing.kind, name: removing.name })}
      >
        {t('projects.removeHelp')}
      </Confirm>
    </>
  );
}
