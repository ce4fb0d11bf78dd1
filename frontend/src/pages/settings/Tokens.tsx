import { Badge, Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { StoredSecret } from '@/api/schema';
import { secretsQuery, useRemoveSecret, useStoreSecret } from '@/api/settings';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { FormDrawer } from '@/ui/FormDrawer';
import { said } from '@/ui/notify';
import { Part } from '@/ui/Part';
import { Loaded } from '@/ui/states';
import { useSubmit } from '@/ui/useSubmit';

/** Tokens of hubs: stored encrypted, and never shown again. */
export function Tokens() {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const secrets = useQuery(secretsQuery);
  const remove = useRemoveSecret();
  const [setting, setSetting] = useState<StoredSecret | null>(null);
  const [removing, setRemoving] = useState<StoredSecret | null>(null);
  const titleOf = (name: string) => {
    const key = `settings.secrets.${name}` as 'settings.secrets.hf_token';
    return i18n.exists(key) ? String(t(key)) : name;
  };
  return (
    <Stack>
      <Loaded query={secrets} lines={3}>
        {(all) =>
          all.map((one) => (
            <Part
              key={one.name}
              title={titleOf(one.name)}
              about={t('settings.tokenAbout')}
              actions={
                may('settings.write') && (
                  <>
                    <Button size="xs" onClick={() => setSetting(one)}>
                      {one.is_set ? t('settings.replace') : t('settings.set')}
                    </Button>
                    {one.is_set && (
                      <Button size="xs" variant="light" color="red" onClick={() => setRemoving(one)}>
                        {t('common.remove')}
                      </Button>
                    )}
                  </>
                )
              }
            >
              <Text size="sm" component="div">
                <Badge variant="light" tt="none" color={one.is_set ? 'teal' : 'gray'}>
                  {one.is_set ? t('profile.isSet') : t('profile.isNotSet')}
                </Badge>{' '}
                {one.is_set &&
                  one.set_at &&
                  t('settings.setBy', { who: one.set_by || '–', when: format.ago(one.set_at) })}
              </Text>
            </Part>
          ))
        }
      </Loaded>
      {setting && <NewValue secret={setting} title={titleOf(setting.name)} close={() => setSetting(null)} />}
      <Confirm
        opened={!!removing}
        close={() => setRemoving(null)}
        title={t('settings.removeToken', { name: titleOf(removing?.name ?? 'hf_token') })}
        action={t('common.remove')}
        run={async () => removing && remove.mutateAsync(removing.name)}
      >
        {t('settings.removeTokenHelp')}
      </Confirm>
    </Stack>
  );
}

function NewValue({ secret, title, close }: { secret: StoredSecret; title: string; close: () => void }) {
  const { t } = useTranslation();
  const store = useStoreSecret();
  const form = useForm({ initialValues: { value: '' } });
  const submit = useSubmit(form, async ({ value }) => {
    await store.mutateAsync({ name: secret.name, value: value.trim() });
    said(t('settings.stored'));
    close();
  });
  return (
    <FormDrawer title={title} close={close} submit={submit} action={t('common.save')}>
      <PasswordInput
        label={t('settings.token')}
        description={t('settings.tokenHelp')}
        required
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('value')}
      />
    </FormDrawer>
  );
}
