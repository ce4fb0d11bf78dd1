/** The first administrator, made with a code that only the server's machine shows. */

import { Anchor, Button, Code, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, data } from '@/api/client';
import { useLogin } from '@/session/session';
import { Loaded, ProblemAlert } from '@/ui/states';
import { Entrance } from './Entrance';
import { setupStatusQuery } from './ways';

export default function SetupPage() {
  const { t } = useTranslation();
  const status = useQuery(setupStatusQuery);
  return (
    <Entrance title={t('setup.title')}>
      <Loaded query={status} lines={3}>
        {({ needs_setup }) =>
          needs_setup ? (
            <FirstAdmin />
          ) : (
            <Text>
              {t('setup.done')}{' '}
              <Anchor component={Link} to="/login">
                {t('login.title')}
              </Anchor>
            </Text>
          )
        }
      </Loaded>
    </Entrance>
  );
}

function FirstAdmin() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const login = useLogin();
  const form = useForm({ initialValues: { setup_token: '', username: 'admin', password: '' } });
  const make = useMutation({
    mutationFn: async (values: typeof form.values) => {
      await data(
        api.POST('/v1/admin/setup', { body: { ...values, setup_token: values.setup_token.trim() } }),
      );
      await login.mutateAsync({ username: values.username, password: values.password });
    },
    onSuccess: () => navigate({ to: '/' }),
  });
  return (
    <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
      <Stack>
        <Text size="sm">{t('setup.help')}</Text>
        <Code block>manage.py setup_code</Code>
        <TextInput
          label={t('setup.code')}
          required
          autoFocus
          autoComplete="off"
          {...form.getInputProps('setup_token')}
        />
        <TextInput
          label={t('login.username')}
          required
          autoComplete="username"
          {...form.getInputProps('username')}
        />
        <PasswordInput
          label={t('login.newPassword')}
          required
          autoComplete="new-password"
          {...form.getInputProps('password')}
        />
        <ProblemAlert error={make.error} />
        <Button type="submit" loading={make.isPending}>
          {t('setup.submit')}
        </Button>
      </Stack>
    </form>
  );
}
