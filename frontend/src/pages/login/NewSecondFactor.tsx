/** Where a second factor is demanded: an authenticator app, set up before anything else. */

import { Button, Code, Image, List, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data } from '@/api/client';
import { CopyBlock } from '@/ui/Copy';
import { ProblemAlert } from '@/ui/states';

export function NewSecondFactor({ done }: { done: () => Promise<void> }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { password: '', code: '' } });
  const begin = useMutation({
    mutationFn: (password: string) =>
      data(api.POST('/api/me/second-factor/authenticator', { body: { password } })),
  });
  const confirm = useMutation({
    mutationFn: (code: string) =>
      data(api.POST('/api/me/second-factor/authenticator/confirm', { body: { code } })),
  });
  if (confirm.data)
    return (
      <Stack>
        <Text size="sm">{t('login.recoveryCodes')}</Text>
        <CopyBlock text={confirm.data.recovery_codes.join('\n')} label={t('login.recoveryCodes')} />
        <Button onClick={() => void done()}>{t('login.kept')}</Button>
      </Stack>
    );
  if (begin.data)
    return (
      <form onSubmit={form.onSubmit(({ code }) => confirm.mutate(code.trim()))}>
        <Stack>
          <List type="ordered" size="sm">
            <List.Item>{t('login.scan')}</List.Item>
            <List.Item>{t('login.typeCode')}</List.Item>
          </List>
          <Image src={begin.data.picture} alt={t('login.qr')} w={200} mx="auto" bg="white" p="xs" />
          <Code>{begin.data.secret}</Code>
          <TextInput
            label={t('login.code')}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            {...form.getInputProps('code')}
          />
          <ProblemAlert error={confirm.error} />
          <Button type="submit" loading={confirm.isPending}>
            {t('login.confirm')}
          </Button>
        </Stack>
      </form>
    );
  return (
    <form onSubmit={form.onSubmit(({ password }) => begin.mutate(password))}>
      <Stack>
        <Text size="sm">{t('login.needsSecondFactor')}</Text>
        <PasswordInput
          label={t('login.password')}
          autoComplete="current-password"
          required
          {...form.getInputProps('password')}
        />
        <ProblemAlert error={begin.error} />
        <Button type="submit" loading={begin.isPending}>
          {t('login.begin')}
        </Button>
      </Stack>
    </form>
  );
}
