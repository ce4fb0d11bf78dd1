/** A password that an administrator set is good for one login: then its owner chooses one. */

import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data } from '@/api/client';
import { ProblemAlert } from '@/ui/states';

export function NewPassword({ done }: { done: () => Promise<void> }) {
  const { t } = useTranslation();
  const form = useForm({
    initialValues: { old: '', fresh: '', again: '' },
    validate: {
      fresh: (value) => (value.length < 10 ? t('login.tooShort') : null),
      again: (value, values) => (value !== values.fresh ? t('login.notSame') : null),
    },
  });
  const choose = useMutation({
    mutationFn: (values: typeof form.values) =>
      data(api.PUT('/api/me/password', { body: { old_password: values.old, new_password: values.fresh } })),
    onSuccess: done,
  });
  return (
    <form onSubmit={form.onSubmit((values) => choose.mutate(values))}>
      <Stack>
        <Text size="sm">{t('login.choosePassword')}</Text>
        <PasswordInput
          label={t('login.oldPassword')}
          autoComplete="current-password"
          required
          {...form.getInputProps('old')}
        />
        <PasswordInput
          label={t('login.newPassword')}
          autoComplete="new-password"
          required
          {...form.getInputProps('fresh')}
        />
        <PasswordInput
          label={t('login.again')}
          autoComplete="new-password"
          required
          {...form.getInputProps('again')}
        />
        <ProblemAlert error={choose.error} />
        <Button type="submit" loading={choose.isPending}>
          {t('login.setPassword')}
        </Button>
      </Stack>
    </form>
  );
}
