/** A new application, or what may be changed of one: how it logs in stays as it is. */

import { Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Application } from '@/api/schema';
import { useChangeApplication, useMakeApplication } from '@/api/signIn';
import { useMe } from '@/session/session';
import { FormDrawer } from '@/ui/FormDrawer';
import { useSubmit } from '@/ui/useSubmit';
import { choices } from '../keys/scopes';

const GRANTS: readonly Application['grant'][] = ['authorization_code', 'client_credentials', 'device_code'];

export type Secret = { client_id: string; client_secret: string };

type Props = { application: Application | null; made: (secret: Secret) => void; close: () => void };

export function ApplicationForm({ application, made, close }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const make = useMakeApplication();
  const change = useChangeApplication();
  const form = useForm({
    initialValues: {
      name: application?.name ?? '',
      grant: application?.grant ?? ('authorization_code' as Application['grant']),
      redirect_uris: application?.redirect_uris ?? [],
      post_logout_redirect_uris: application?.post_logout_redirect_uris ?? [],
      scopes: application?.scopes ?? [],
      confidential: application?.confidential ?? true,
    },
  });
  const sendsBack = form.values.grant === 'authorization_code';
  const submit = useSubmit(form, async ({ grant, confidential, ...values }) => {
    const { name, scopes } = values;
    const body = sendsBack ? values : { name, scopes };
    if (application) await change.mutateAsync({ ...body, client_id: application.client_id });
    else made(await make.mutateAsync({ ...body, name, grant, confidential }));
    close();
  });
  return (
    <FormDrawer
      title={application ? application.name : t('signIn.newApplication')}
      close={close}
      submit={submit}
      action={application ? t('common.save') : t('common.add')}
    >
      <TextInput label={t('common.name')} required data-autofocus {...form.getInputProps('name')} />
      {!application && (
        <Select
          label={t('signIn.grant')}
          data={GRANTS.map((grant) => ({ value: grant, label: t(`signIn.grants.${grant}`) }))}
          allowDeselect={false}
          {...form.getInputProps('grant')}
        />
      )}
      {sendsBack && (
        <>
          <TagsInput
            label={t('signIn.redirects')}
            description={t('signIn.redirectsHelp')}
            withAsterisk
            acceptValueOnBlur
            {...form.getInputProps('redirect_uris')}
          />
          <TagsInput
            label={t('signIn.afterLogout')}
            description={t('signIn.afterLogoutHelp')}
            acceptValueOnBlur
            {...form.getInputProps('post_logout_redirect_uris')}
          />
        </>
      )}
      <TagsInput
        label={t('keys.actionsLabel')}
        description={t('signIn.scopesHelp')}
        data={choices(me?.permissions ?? [])}
        acceptValueOnBlur
        {...form.getInputProps('scopes')}
      />
      {!application && (
        <Switch
          label={t('signIn.confidential')}
          description={t('signIn.confidentialHelp')}
          {...form.getInputProps('confidential', { type: 'checkbox' })}
        />
      )}
    </FormDrawer>
  );
}
