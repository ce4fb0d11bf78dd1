/** An authenticator app: the password, a picture for it, its first code, recovery codes. */

import { Code, Image, List, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useBeginAuthenticator, useConfirmAuthenticator } from '@/api/own';
import type { NewAuthenticator } from '@/api/schema';
import { FormDrawer } from '@/ui/FormDrawer';
import { useSubmit } from '@/ui/useSubmit';
import { Codes } from './Codes';
import { Proof } from './Proof';

export function Authenticator({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const begin = useBeginAuthenticator();
  const [begun, setBegun] = useState<NewAuthenticator | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  if (codes?.length) return <Codes codes={codes} close={close} />;
  if (begun)
    return (
      <FirstCode begun={begun} close={close} done={(made) => (made.length ? setCodes(made) : close())} />
    );
  return (
    <Proof
      title={t('profile.app')}
      action={t('login.begin')}
      close={close}
      run={async (password) => setBegun(await begin.mutateAsync(password))}
    />
  );
}

type Props = { begun: NewAuthenticator; close: () => void; done: (codes: string[]) => void };

function FirstCode({ begun, close, done }: Props) {
  const { t } = useTranslation();
  const confirm = useConfirmAuthenticator();
  const form = useForm({ initialValues: { code: '' } });
  const submit = useSubmit(form, async ({ code }) =>
    done((await confirm.mutateAsync(code.trim())).recovery_codes),
  );
  return (
    <FormDrawer title={t('profile.app')} close={close} submit={submit} action={t('login.confirm')}>
      <List type="ordered" size="sm">
        <List.Item>{t('login.scan')}</List.Item>
        <List.Item>{t('login.typeCode')}</List.Item>
      </List>
      <Image src={begun.picture} alt={t('login.qr')} w={200} mx="auto" bg="white" p="xs" />
      <Code>{begun.secret}</Code>
      <TextInput
        label={t('login.code')}
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        data-autofocus
        {...form.getInputProps('code')}
      />
    </FormDrawer>
  );
}
