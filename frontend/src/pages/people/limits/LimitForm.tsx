import { NumberInput, Select, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { keysQuery } from '@/api/keys';
import { useChangeLimit, useMakeLimit } from '@/api/limits';
import type { Limit } from '@/api/schema';
import { useMay, useMe } from '@/session/session';
import { FormDrawer } from '@/ui/FormDrawer';
import { useSubmit } from '@/ui/useSubmit';
import { UserInput } from '../UserInput';
import { Sentence } from './Limits';
import { asRequest, isMoney, KINDS, SCOPES, type Values } from './scopes';

export function NewLimit({ project, close }: { project: string; close: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const make = useMakeLimit();
  const form = useForm<Values>({
    initialValues: {
      kind: 'requests_per_minute',
      amount: '',
      scope: 'key',
      whom: 'each',
      subject: '',
      project: project || (me?.superuser ? '' : (me?.project ?? '')),
      model: '',
      note: '',
    },
    validate: {
      amount: (amount) => (amount === '' ? t('limits.amountNeeded') : null),
      subject: (subject, all) =>
        all.scope !== 'everyone' && all.whom === 'one' && !subject.trim() ? t('profile.nameNeeded') : null,
    },
  });
  const submit = useSubmit(form, async (values) => {
    await make.mutateAsync(asRequest(values));
    close();
  });
  const { scope, whom, kind } = form.values;
  const scopes = me?.superuser ? SCOPES : SCOPES.filter((one) => one === 'user' || one === 'key');
  const projects = (me?.projects ?? []).filter((one) => !one.archived).map((one) => one.slug);
  return (
    <FormDrawer title={t('limits.new')} close={close} submit={submit} action={t('limits.make')}>
      <Select
        label={t('limits.whom')}
        data={scopes.map((one) => ({ value: one, label: t(`limits.scopes.${one}`) }))}
        allowDeselect={false}
        {...form.getInputProps('scope')}
      />
      {scope !== 'everyone' && (
        <>
          <Select
            label={t('limits.which')}
            data={[
              { value: 'each', label: t(`limits.each.${scope}`) },
              { value: 'one', label: t('limits.oneOnly') },
            ]}
            allowDeselect={false}
            {...form.getInputProps('whom')}
          />
          {whom === 'one' && <Subject scope={scope} projects={projects} {...form.getInputProps('subject')} />}
        </>
      )}
      {(scope === 'user' || scope === 'key') && (
        <Select
          label={t('limits.inProject')}
          data={[
            ...(me?.superuser ? [{ value: '', label: t('limits.anyProject') }] : []),
            ...projects.map((slug) => ({ value: slug, label: slug })),
          ]}
          allowDeselect={false}
          {...form.getInputProps('project')}
        />
      )}
      <Select
        label={t('limits.what')}
        data={KINDS.map((one) => ({ value: one, label: t(`limits.kinds.${one}`) }))}
        allowDeselect={false}
        {...form.getInputProps('kind')}
      />
      <NumberInput
        label={t('limits.amount')}
        required
        min={0}
        allowDecimal={isMoney(kind)}
        thousandSeparator=" "
        {...form.getInputProps('amount')}
      />
      <TextInput
        label={t('limits.models')}
        description={t('limits.modelsHelp')}
        placeholder="*"
        {...form.getInputProps('model')}
      />
      <Textarea label={t('limits.note')} autosize {...form.getInputProps('note')} />
    </FormDrawer>
  );
}

type SubjectProps = {
  scope: 'project' | 'user' | 'key';
  projects: string[];
  value?: string;
  onChange?: (value: string | null) => void;
  error?: React.ReactNode;
};

function Subject({ scope, projects, ...props }: SubjectProps) {
  const { t } = useTranslation();
  const may = useMay();
  const keys = useQuery({ ...keysQuery, enabled: scope === 'key' && may('keys.own') });
  if (scope === 'user') return <UserInput label={t('login.username')} required {...props} />;
  const data =
    scope === 'project'
      ? projects
      : (keys.data ?? [])
          .filter((key) => key.state === 'active')
          .map((key) => ({ value: key.id, label: `${key.name} (${key.owner}, ${key.prefix})` }));
  return <Select label={t(`limits.scopes.${scope}`)} required searchable data={data} {...props} />;
}

export function EditLimit({ limit, close }: { limit: Limit; close: () => void }) {
  const { t } = useTranslation();
  const change = useChangeLimit();
  const form = useForm<{ amount: string | number; note: string }>({
    initialValues: { amount: Number(limit.amount), note: limit.note },
    validate: { amount: (amount) => (amount === '' ? t('limits.amountNeeded') : null) },
  });
  const submit = useSubmit(form, async ({ amount, note }) => {
    await change.mutateAsync({ id: limit.id, amount: String(amount), note: note.trim() });
    close();
  });
  return (
    <FormDrawer title={t('limits.edit')} close={close} submit={submit} action={t('common.save')}>
      <Text size="sm">
        <Sentence limit={limit} />
      </Text>
      <NumberInput
        label={t('limits.amount')}
        required
        min={0}
        allowDecimal={isMoney(limit.kind)}
        thousandSeparator=" "
        data-autofocus
        {...form.getInputProps('amount')}
      />
      <Textarea label={t('limits.note')} autosize {...form.getInputProps('note')} />
    </FormDrawer>
  );
}
