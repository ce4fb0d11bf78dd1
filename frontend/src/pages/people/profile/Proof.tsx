/** What changes the way in asks for the password once more, and for what else it needs. */

import { PasswordInput, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { FormDrawer } from '@/ui/FormDrawer';
import { useSubmit } from '@/ui/useSubmit';

type Props = {
  title: string;
  about?: ReactNode;
  action: string;
  close: () => void;
  /** asks for a name, too, as passkeys have one */
  nameLabel?: string;
  run: (password: string, name: string) => Promise<unknown>;
};

export function Proof({ title, about, action, close, nameLabel, run }: Props) {
  const { t } = useTranslation();
  const form = useForm({
    initialValues: { name: '', password: '' },
    validate: { name: (name) => (nameLabel && !name.trim() ? t('profile.nameNeeded') : null) },
  });
  const submit = useSubmit(form, ({ password, name }) => run(password, name.trim()));
  return (
    <FormDrawer title={title} close={close} submit={submit} action={action}>
      {about && <Text size="sm">{about}</Text>}
      {nameLabel && <TextInput label={nameLabel} required data-autofocus {...form.getInputProps('name')} />}
      <PasswordInput
        label={t('profile.yourPassword')}
        autoComplete="current-password"
        required
        data-autofocus={nameLabel ? undefined : true}
        {...form.getInputProps('password')}
      />
    </FormDrawer>
  );
}
