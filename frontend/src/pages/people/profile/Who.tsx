import { Badge, Group, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/session/session';
import { Part } from '@/ui/Part';
import { useRoleName } from '@/ui/useRoleName';

export function Who() {
  const { t } = useTranslation();
  const me = useMe();
  const roleName = useRoleName();
  if (!me) return null;
  return (
    <Part
      title={me.username}
      actions={
        me.superuser && (
          <Badge variant="light" tt="none">
            {t('profile.superuser')}
          </Badge>
        )
      }
      about={me.superuser ? t('profile.superuserHelp') : undefined}
    >
      {me.projects.length ? (
        <Table aria-label={t('profile.roles')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('keys.project')}</Table.Th>
              <Table.Th>{t('roles.role')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {me.projects.map((project) => (
              <Table.Tr key={project.slug}>
                <Table.Td>
                  <Group gap="xs">
                    {project.title || project.slug}
                    {project.archived && (
                      <Badge variant="light" color="gray" tt="none">
                        {t('projects.archived')}
                      </Badge>
                    )}
                  </Group>
                </Table.Td>
                <Table.Td>{roleName(project.role)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      ) : (
        <Text size="sm">{t('profile.noProject')}</Text>
      )}
    </Part>
  );
}
