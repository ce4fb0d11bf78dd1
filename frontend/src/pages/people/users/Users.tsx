import { TextInput } from '@mantine/core';
import { IconSearch, IconUsers } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { User } from '@/api/schema';
import { useChangeUser, useDeleteUser, useRemoveSecondFactor, usersQuery } from '@/api/users';
import { Confirm } from '@/ui/confirm';
import { said } from '@/ui/notify';
import { Empty, Loaded } from '@/ui/states';
import { SetPassword } from './SetPassword';
import { UserForm } from './UserForm';
import { type UserDoing, UserTable } from './UserTable';

type Props = {
  q: string;
  /** whose form is open */
  user: string;
  set: (url: { q?: string; user?: string }) => void;
};

export function Users({ q, user, set }: Props) {
  const { t } = useTranslation();
  const users = useQuery(usersQuery);
  const [doing, setDoing] = useState<{ what: UserDoing; user: User } | null>(null);
  const open = useCallback((one: User) => set({ user: one.username }), [set]);
  const begin = useCallback((what: UserDoing, one: User) => setDoing({ what, user: one }), []);
  const close = () => setDoing(null);
  const wanted = q.toLowerCase();
  const isShown = (one: User) =>
    [one.username, one.email, one.first_name, one.last_name, ...one.groups, ...Object.keys(one.roles)].some(
      (text) => text.toLowerCase().includes(wanted),
    );
  return (
    <Loaded query={users}>
      {(all) => {
        const rows = all.filter(isShown);
        const opened = all.find((one) => one.username === user);
        return (
          <>
            <TextInput
              aria-label={t('common.search')}
              placeholder={t('common.search')}
              leftSection={<IconSearch size={16} />}
              w={260}
              mb="md"
              value={q}
              onChange={(event) => set({ q: event.currentTarget.value })}
            />
            {rows.length ? (
              <UserTable rows={rows} open={open} begin={begin} />
            ) : (
              <Empty icon={<IconUsers size={26} />} title={t('users.noneLikeThat')} />
            )}
            {opened && <UserForm key={opened.username} user={opened} close={() => set({ user: '' })} />}
            {doing?.what === 'password' && <SetPassword user={doing.user} close={close} />}
            {doing && doing.what !== 'password' && (
              <Ask key={doing.what} what={doing.what} user={doing.user} close={close} />
            )}
          </>
        );
      }}
    </Loaded>
  );
}

type Asked = { what: Exclude<UserDoing, 'password'>; user: User; close: () => void };

function Ask({ what, user, close }: Asked) {
  const { t } = useTranslation();
  const change = useChangeUser();
  const remove = useDeleteUser();
  const removeFactor = useRemoveSecondFactor();
  const name = user.username;
  const texts = {
    factor: {
      title: t('users.factorTitle', { name }),
      help: t('users.factorHelp'),
      action: t('users.removeFactor'),
      done: t('users.factorSaid', { name }),
      run: () => removeFactor.mutateAsync(name),
    },
    able: user.is_active
      ? {
          title: t('users.disableTitle', { name }),
          help: t('users.disableHelp'),
          action: t('users.disable'),
          done: t('users.disabledSaid', { name }),
          run: () => change.mutateAsync({ username: name, is_active: false }),
        }
      : {
          title: t('users.enableTitle', { name }),
          help: t('users.enableHelp'),
          action: t('users.enable'),
          done: t('users.enabledSaid', { name }),
          run: () => change.mutateAsync({ username: name, is_active: true }),
        },
    delete: {
      title: t('users.deleteTitle', { name }),
      help: t('users.deleteHelp'),
      action: t('users.delete'),
      done: t('users.deletedSaid', { name }),
      run: () => remove.mutateAsync(name),
    },
  }[what];
  return (
    <Confirm
      opened
      close={close}
      title={texts.title}
      action={texts.action}
      run={async () => {
        await texts.run();
        said(texts.done);
      }}
    >
      {texts.help}
    </Confirm>
  );
}
