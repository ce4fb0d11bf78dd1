import {
  ActionIcon,
  Button,
  Fieldset,
  Group,
  PasswordInput,
  Select,
  Switch,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Provider } from '@/api/schema';
import { useChangeProvider, useMakeProvider } from '@/api/signIn';
import { useMe } from '@/session/session';
import { FormDrawer } from '@/ui/FormDrawer';
import { useRoleName } from '@/ui/useRoleName';
import { useSubmit } from '@/ui/useSubmit';
import { ROLES } from '../roles';
import { asRows, asRules, emptyRow } from './rules';

export function ProviderForm({ provider, close }: { provider: Provider | null; close: () => void }) {
  const { t } = useTranslation();
  const make = useMakeProvider();
  const change = useChangeProvider();
  const form = useForm({
    initialValues: {
      name: provider?.name ?? '',
      title: provider?.title ?? '',
      issuer: provider?.issuer ?? '',
      client_id: provider?.client_id ?? '',
      client_secret: '',
      scopes: provider?.scopes ?? 'openid email profile',
      hosts: provider?.hosts ?? [],
      username_claim: provider?.username_claim ?? 'preferred_username',
      enabled: provider?.enabled ?? true,
      create_users: provider?.create_users ?? true,
      link_by_email: provider?.link_by_email ?? false,
      rule_needed: provider?.rule_needed ?? false,
      rules: asRows(provider?.rules ?? []),
    },
  });
  const submit = useSubmit(form, async ({ name, client_secret, rules, ...rest }) => {
    const body = { ...rest, rules: asRules(rules), ...(client_secret && { client_secret }) };
    if (provider) await change.mutateAsync({ ...body, name: provider.name });
    else await make.mutateAsync({ ...body, name: name.trim() });
    close();
  });
  const toggle = (name: 'enabled' | 'create_users' | 'link_by_email' | 'rule_needed') => (
    <Switch
      label={t(`signIn.${name}`)}
      description={t(`signIn.${name}Help`)}
      {...form.getInputProps(name, { type: 'checkbox' })}
    />
  );
  return (
    <FormDrawer
      title={provider ? provider.title || provider.name : t('signIn.newProvider')}
      close={close}
      submit={submit}
      action={t('common.save')}
      size="lg"
    >
      {!provider && (
        <TextInput
          label={t('common.name')}
          description={t('signIn.nameHelp')}
          required
          data-autofocus
          {...form.getInputProps('name')}
        />
      )}
      <TextInput
        label={t('projects.titleLabel')}
        description={t('signIn.titleHelp')}
        {...form.getInputProps('title')}
      />
      <TextInput
        label={t('signIn.issuer')}
        type="url"
        required
        placeholder="https://"
        {...form.getInputProps('issuer')}
      />
      <TextInput label={t('signIn.clientId')} required {...form.getInputProps('client_id')} />
      <PasswordInput
        label={t('signIn.clientSecret')}
        description={provider?.has_secret ? t('signIn.secretKept') : undefined}
        autoComplete="off"
        {...form.getInputProps('client_secret')}
      />
      <TextInput label={t('signIn.scopes')} {...form.getInputProps('scopes')} />
      <TextInput label={t('signIn.usernameClaim')} {...form.getInputProps('username_claim')} />
      <TagsInput
        label={t('signIn.hosts')}
        description={t('signIn.hostsHelp')}
        acceptValueOnBlur
        {...form.getInputProps('hosts')}
      />
      {toggle('enabled')}
      {toggle('create_users')}
      {toggle('link_by_email')}
      <Rules form={form} />
      {toggle('rule_needed')}
    </FormDrawer>
  );
}

type RulesForm = Pick<
  ReturnType<typeof useForm<{ rules: ReturnType<typeof asRows> }>>,
  'insertListItem' | 'removeListItem' | 'getInputProps' | 'values' | 'errors'
>;

function Rules({ form }: { form: unknown }) {
  const { t } = useTranslation();
  const me = useMe();
  const roleName = useRoleName();
  const { values, insertListItem, removeListItem, getInputProps, errors } = form as RulesForm;
  const projects = (me?.projects ?? []).filter((one) => !one.archived).map((one) => one.slug);
  return (
    <Fieldset legend={t('signIn.rules')}>
      {values.rules.map((rule, index) => (
        <Group key={rule.id} align="flex-end" gap="xs" mb="xs">
          <TextInput label={t('signIn.claim')} w={95} {...getInputProps(`rules.${index}.claim`)} />
          <TextInput
            label={t('signIn.claimValue')}
            w={118}
            placeholder="ops-*"
            {...getInputProps(`rules.${index}.value`)}
          />
          <Select
            label={t('roles.role')}
            w={118}
            allowDeselect={false}
            data={[...ROLES, 'superuser'].map((role) => ({ value: role, label: roleName(role) }))}
            {...getInputProps(`rules.${index}.role`)}
          />
          {rule.role !== 'superuser' && (
            <Select
              label={t('keys.project')}
              w={118}
              allowDeselect={false}
              data={projects}
              {...getInputProps(`rules.${index}.project`)}
            />
          )}
          <ActionIcon
            variant="light"
            color="red"
            size="lg"
            aria-label={t('signIn.removeRule')}
            onClick={() => removeListItem('rules', index)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      {errors.rules}
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPlus size={14} />}
        onClick={() => insertListItem('rules', emptyRow())}
      >
        {t('signIn.addRule')}
      </Button>
    </Fieldset>
  );
}
