/** A form of one name. */

import { TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { FormDrawer } from '@/ui/FormDrawer';
import { useSubmit } from '@/ui/useSubmit';
import { UserInput } from '../UserInput';

type Props = {
  title: string;
  label: string;
  action: string;
  /** of somebody who is there already */
  ofUser?: boolean;
  close: () => void;
  run: (name: string) => Promise<unknown>;
};

export function NameForm({ title, label, action, ofUser, close, run }: Props) {
  const { t } = useTranslation();
  const form = useForm({
    initialValues: { name: '' },
    validate: { name: (name) => (name.trim() ? null : t('profile.nameNeeded')) },
  });
  const submit = useSubmit(form, async ({ name }) => {
    await run(name.trim());
    close();
  });
  const Input = ofUser ? UserInput : TextInput;
  return (
    <FormDrawer title={title} close={close} submit={submit} action={action}>
      <Input label={label} required data-autofocus {...form.getInputProps('name')} />
    </FormDrawer>
  );
}
