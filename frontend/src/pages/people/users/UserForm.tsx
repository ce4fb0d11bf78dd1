/** A new user, or what an administrator may change of one. */

import { MultiSelect, PasswordInput, SimpleGrid, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { User } from '@/api/schema';
import { groupsQuery, useChangeUser, useJoinGroup, useLeaveGroup, useMakeUser } from '@/api/users';
import { FormDrawer } from '@/ui/FormDrawer';
import { said } from '@/ui/notify';
import { useSubmit } from '@/ui/useSubmit';

export function UserForm({ user, close }: { user: User | null; close: () => void }) {
  const { t } = useTranslation();
  const groups = useQuery(groupsQuery);
  const make = useMakeUser();
  const change = useChangeUser();
  const join = useJoinGroup();
  const leave = useLeaveGroup();
  // Joining a group may fail after the user is made: the next try goes on from there.
  const [made, setMade] = useState(user?.username ?? '');
  const had = useRef(user?.groups ?? []);
  const form = useForm({
    initialValues: {
      username: user?.username ?? '',
      password: '',
      first_name: user?.first_name ?? '',
      last_name: user?.last_name ?? '',
      email: user?.email ?? '',
      is_superuser: user?.is_superuser ?? false,
      is_staff: user?.is_staff ?? false,
      groups: user?.groups ?? [],
    },
  });
  const submit = useSubmit(form, async ({ password, groups: wanted, ...rest }) => {
    const username = rest.username.trim();
    if (made) await change.mutateAsync({ ...rest, username });
    else
      await make.mutateAsync({
        ...rest,
        username,
        ...(password && { password, must_change_password: true }),
      });
    setMade(username);
    for (const name of wanted) {
      if (had.current.includes(name)) continue;
      await join.mutateAsync({ name, username });
      had.current = [...had.current, name];
    }
    for (const name of had.current) {
      if (wanted.includes(name)) continue;
      await leave.mutateAsync({ name, username });
      had.current = had.current.filter((one) => one !== name);
    }
    said(user ? t('users.changed', { name: username }) : t('users.made', { name: username }));
    close();
  });
  return (
    <FormDrawer
      title={user ? user.username : t('users.new')}
      close={close}
      submit={submit}
      action={user ? t('common.save') : t('users.make')}
    >
      {!user && (
        <>
          <TextInput
            label={t('login.username')}
            required
            disabled={made !== ''}
            data-autofocus
            autoComplete="off"
            {...form.getInputProps('username')}
          />
          <PasswordInput
            label={t('login.password')}
            description={t('users.passwordHelp')}
            autoComplete="new-password"
            disabled={made !== ''}
            {...form.getInputProps('password')}
          />
        </>
      )}
      <SimpleGrid cols={2}>
        <TextInput label={t('users.firstName')} {...form.getInputProps('first_name')} />
        <TextInput label={t('users.lastName')} {...form.getInputProps('last_name')} />
      </SimpleGrid>
      <TextInput label={t('users.email')} type="email" {...form.getInputProps('email')} />
      <MultiSelect
        label={t('users.groups')}
        description={t('users.groupsHelp')}
        data={(groups.data ?? []).map((group) => group.name)}
        {...form.getInputProps('groups')}
      />
      <Switch
        label={t('roles.superuser')}
        description={t('users.superuserHelp')}
        {...form.getInputProps('is_superuser', { type: 'checkbox' })}
      />
      <Switch
        label={t('users.staff')}
        description={t('users.staffHelp')}
        {...form.getInputProps('is_staff', { type: 'checkbox' })}
      />
    </FormDrawer>
  );
}
