import { PasswordInput, Switch, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { User } from '@/api/schema';
import { useSetPassword } from '@/api/users';
import { FormDrawer } from '@/ui/FormDrawer';
import { said } from '@/ui/notify';
import { useSubmit } from '@/ui/useSubmit';

export function SetPassword({ user, close }: { user: User; close: () => void }) {
  const { t } = useTranslation();
  const set = useSetPassword();
  const form = useForm({
    initialValues: { password: '', none: false },
    validate: {
      password: (value, all) => (!all.none && value.length < 10 ? t('login.tooShort') : null),
    },
  });
  const submit = useSubmit(form, async ({ password, none }) => {
    await set.mutateAsync({ username: user.username, password: none ? null : password });
    said(t('users.passwordSaid', { name: user.username }));
    close();
  });
  return (
    <FormDrawer
      title={t('users.passwordOf', { name: user.username })}
      close={close}
      submit={submit}
      action={t('login.setPassword')}
    >
      <Text size="sm">{t('users.setPasswordHelp')}</Text>
      <PasswordInput
        label={t('login.newPassword')}
        autoComplete="new-password"
        disabled={form.values.none}
        data-autofocus
        {...form.getInputProps('password')}
      />
      <Switch
        label={t('users.takeAway')}
        description={t('users.noPasswordHelp')}
        {...form.getInputProps('none', { type: 'checkbox' })}
      />
    </FormDrawer>
  );
}
