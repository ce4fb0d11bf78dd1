/** Another password for whoever is logged in. */

import { Button, PasswordInput, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { useChoosePassword } from '@/api/own';
import { ProblemAlert } from '@/ui/states';
import { useSubmit } from '@/ui/useSubmit';

export function PasswordForm({ done }: { done: () => unknown }) {
  const { t } = useTranslation();
  const choose = useChoosePassword();
  const form = useForm({
    initialValues: { old_password: '', new_password: '', again: '' },
    validate: {
      new_password: (value) => (value.length < 10 ? t('login.tooShort') : null),
      again: (value, values) => (value !== values.new_password ? t('login.notSame') : null),
    },
  });
  const submit = useSubmit(form, async ({ again: _, ...body }) => {
    await choose.mutateAsync(body);
    form.reset();
    await done();
  });
  return (
    <form onSubmit={submit.send}>
      <Stack>
        <PasswordInput
          label={t('login.oldPassword')}
          autoComplete="current-password"
          required
          {...form.getInputProps('old_password')}
        />
        <PasswordInput
          label={t('login.newPassword')}
          autoComplete="new-password"
          required
          {...form.getInputProps('new_password')}
        />
        <PasswordInput
          label={t('login.again')}
          autoComplete="new-password"
          required
          {...form.getInputProps('again')}
        />
        <ProblemAlert error={submit.error} />
        <Button type="submit" loading={submit.busy}>
          {t('login.setPassword')}
        </Button>
      </Stack>
    </form>
  );
}
