/** The way in: name and password, a second factor where one is asked for, a passkey, or another service. */

import { Alert, Anchor, Button, Divider, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconFingerprint, IconKey } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import type { Session } from '@/api/schema';
import { canUsePasskeys, showPasskey } from '@/session/passkeys';
import { sessionQuery, useLogin } from '@/session/session';
import { Loaded, ProblemAlert } from '@/ui/states';
import { Entrance } from './Entrance';
import { NewPassword } from './NewPassword';
import { NewSecondFactor } from './NewSecondFactor';
import { setupStatusQuery, signInsQuery } from './ways';

export default function LoginPage() {
  const { t } = useTranslation();
  const session = useQuery(sessionQuery);
  return (
    <Entrance title={t('login.title')}>
      <Loaded query={session} lines={3}>
        {(who) => <Step session={who} />}
      </Loaded>
    </Entrance>
  );
}

/** What is due next of the one who is, or is not, logged in. */
function Step({ session }: { session: Session }) {
  const { t } = useTranslation();
  const next = useSearch({ from: '/login' }).next ?? '/';
  const router = useRouter();
  const client = useQueryClient();
  const enter = async () => {
    const now = await client.fetchQuery({ ...sessionQuery, staleTime: 0 });
    if (now.user && !now.must_change_password && !now.must_add_second_factor) {
      router.history.push(router.options.basepath + (next === '/' ? '/' : next.replace(/^\/ui/, '')));
    }
  };
  if (session.must_change_password) return <NewPassword done={enter} />;
  if (session.must_add_second_factor) return <NewSecondFactor done={enter} />;
  if (session.user)
    return (
      <Button onClick={() => void enter()} fullWidth>
        {t('login.goOn', { name: session.user })}
      </Button>
    );
  return <Ways enter={enter} next={next} />;
}

function Ways({ enter, next }: { enter: () => Promise<void>; next: string }) {
  const { t } = useTranslation();
  const login = useLogin();
  const others = useQuery(signInsQuery);
  const setup = useQuery(setupStatusQuery);
  const [asksCode, setAsksCode] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const form = useForm({ initialValues: { username: '', password: '', otp: '' } });

  const attempt = async (work: () => Promise<unknown>) => {
    setError(null);
    try {
      await work();
      await enter();
    } catch (problem) {
      if (problem instanceof ApiError && problem.code === 'second_factor_required' && !asksCode)
        setAsksCode(true);
      // Who closes the browser's own question has not made a mistake.
      else if (!(problem instanceof DOMException && problem.name === 'NotAllowedError')) setError(problem);
    }
  };
  const submit = form.onSubmit(({ username, password, otp }) =>
    attempt(() => login.mutateAsync({ username, password, ...(otp && { otp: otp.trim() }) })),
  );
  const byPasskey = () =>
    attempt(async () => {
      const { username, password } = form.values;
      const after = asksCode ? { username, password } : {};
      await login.mutateAsync({ ...after, passkey: await showPasskey(after) } as never);
    });

  return (
    <Stack>
      {setup.data?.needs_setup && (
        <Alert color="blue">
          {t('login.needsSetup')}{' '}
          <Anchor component={Link} to="/setup">
            {t('login.setup')}
          </Anchor>
        </Alert>
      )}
      <form onSubmit={submit}>
        <Stack>
          {asksCode ? (
            <TextInput
              label={t('login.code')}
              description={t('login.codeHelp')}
              autoComplete="one-time-code"
              inputMode="numeric"
              data-autofocus
              autoFocus
              {...form.getInputProps('otp')}
            />
          ) : (
            <>
              <TextInput
                label={t('login.username')}
                autoComplete="username webauthn"
                autoFocus
                required
                {...form.getInputProps('username')}
              />
              <PasswordInput
                label={t('login.password')}
                autoComplete="current-password"
                required
                {...form.getInputProps('password')}
              />
            </>
          )}
          <ProblemAlert error={error} />
          <Button type="submit" loading={login.isPending} fullWidth>
            {t('login.submit')}
          </Button>
        </Stack>
      </form>
      {(canUsePasskeys() || !!others.data?.length) && <Divider label={t('login.or')} />}
      {canUsePasskeys() && (
        <Button
          variant="default"
          leftSection={<IconFingerprint size={18} />}
          onClick={() => void byPasskey()}
        >
          {t('login.passkey')}
        </Button>
      )}
      {others.data?.map((one) => (
        <Button
          key={one.name}
          variant="default"
          component="a"
          href={`${one.login}?next=${encodeURIComponent(`/ui${next}`)}`}
          leftSection={<IconKey size={18} />}
        >
          {t('login.with', { name: one.title || one.name })}
        </Button>
      ))}
    </Stack>
  );
}
