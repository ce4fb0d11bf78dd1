import { Autocomplete, Radio, SegmentedControl, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSetRole } from '@/api/projects';
import type { Role } from '@/api/schema';
import { groupsQuery } from '@/api/users';
import { useMay } from '@/session/session';
import { FormDrawer } from '@/ui/FormDrawer';
import { useRoleName } from '@/ui/useRoleName';
import { useSubmit } from '@/ui/useSubmit';
import { givable } from '../roles';
import { UserInput } from '../UserInput';

type Props = { slug: string; own: string; close: () => void };

export function NewMember({ slug, own, close }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const roleName = useRoleName();
  const setRole = useSetRole(slug);
  const groups = useQuery({ ...groupsQuery, enabled: may('users.manage') });
  const form = useForm({
    initialValues: { kind: 'user' as 'user' | 'group', name: '', role: 'developer' as Role },
    validate: { name: (name) => (name.trim() ? null : t('profile.nameNeeded')) },
  });
  const submit = useSubmit(form, async ({ name, ...rest }) => {
    await setRole.mutateAsync({ ...rest, name: name.trim() });
    close();
  });
  const { kind } = form.values;
  return (
    <FormDrawer title={t('projects.add')} close={close} submit={submit} action={t('common.add')}>
      <SegmentedControl
        aria-label={t('projects.kind')}
        data={[
          { value: 'user', label: t('projects.user') },
          { value: 'group', label: t('projects.group') },
        ]}
        {...form.getInputProps('kind')}
      />
      {kind === 'user' ? (
        <UserInput label={t('login.username')} required data-autofocus {...form.getInputProps('name')} />
      ) : (
        <Autocomplete
          label={t('projects.group')}
          required
          data={(groups.data ?? []).map((group) => group.name)}
          {...form.getInputProps('name')}
        />
      )}
      <Radio.Group label={t('roles.role')} {...form.getInputProps('role')}>
        <Stack gap="xs" mt="xs">
          {givable(own).map((role) => (
            <Radio key={role} value={role} label={roleName(role)} description={t(`roles.${role}Help`)} />
          ))}
        </Stack>
      </Radio.Group>
    </FormDrawer>
  );
}
