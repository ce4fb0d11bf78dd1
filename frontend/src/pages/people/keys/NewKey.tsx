import { MultiSelect, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMakeKey } from '@/api/keys';
import { launchesQuery } from '@/api/launches';
import type { CreatedKey } from '@/api/schema';
import { useMay, useMe } from '@/session/session';
import { FormDrawer, Side } from '@/ui/FormDrawer';
import { useSubmit } from '@/ui/useSubmit';
import { usePermission } from '../Permissions';
import { UserInput } from '../UserInput';
import { ShownOnce } from './ShownOnce';
import { CALLS, choices, type Ends, expiry, reached } from './scopes';

type May = 'calls' | 'all' | 'some';

/** `model`: a glob that it begins with, as when one comes from a model's page. */
export function NewKey({ close, model }: { close: () => void; model: string }) {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay();
  const make = useMakeKey();
  const [made, setMade] = useState<CreatedKey | null>(null);
  const canCall = CALLS.every(may);
  const form = useForm({
    initialValues: {
      name: '',
      owner: me?.username ?? '',
      project: me?.project ?? '',
      may: (canCall ? 'calls' : 'all') as May,
      actions: [] as string[],
      models: model ? [model] : ([] as string[]),
      networks: [] as string[],
      ends: '90' as Ends,
      day: '',
      expires: null,
    },
    validate: {
      name: (name) => (name.trim() ? null : t('keys.nameNeeded')),
      actions: (actions, all) => (all.may === 'some' && !actions.length ? t('keys.actionsNeeded') : null),
      day: (day, all) => (all.ends === 'day' && !day ? t('keys.dayNeeded') : null),
    },
  });
  const submit = useSubmit(form, async (values) => {
    const body = {
      name: values.name.trim(),
      ...(values.owner !== me?.username && { owner: values.owner.trim() }),
      ...(values.project && { project: values.project }),
      actions: values.may === 'calls' ? CALLS : values.may === 'some' ? values.actions : [],
      models: values.models,
      networks: values.networks,
      expires: expiry(values.ends, values.day),
    };
    setMade(await make.mutateAsync(body));
  });
  if (made)
    return (
      <Side title={t('keys.madeTitle')} close={close} size="lg">
        <ShownOnce made={made} done={close} />
      </Side>
    );
  const projects = (me?.projects ?? [])
    .filter((one) => !one.archived)
    .map((one) => ({ value: one.slug, label: one.title || one.slug }));
  return (
    <FormDrawer title={t('keys.new')} close={close} submit={submit} action={t('keys.make')} size="lg">
      <TextInput
        label={t('common.name')}
        description={t('keys.nameHelp')}
        required
        data-autofocus
        {...form.getInputProps('name')}
      />
      {may('keys.manage') && <UserInput label={t('keys.owner')} {...form.getInputProps('owner')} />}
      {(projects.length > 1 || me?.superuser) && (
        <Select
          label={t('keys.project')}
          description={me?.superuser ? t('keys.projectHelp') : undefined}
          data={me?.superuser ? [{ value: '', label: t('nav.allProjects') }, ...projects] : projects}
          allowDeselect={false}
          {...form.getInputProps('project')}
        />
      )}
      <Select
        label={t('keys.may')}
        data={[
          ...(canCall ? [{ value: 'calls', label: t('keys.callsOnly') }] : []),
          { value: 'all', label: t('keys.allActions') },
          { value: 'some', label: t('keys.someActions') },
        ]}
        allowDeselect={false}
        {...form.getInputProps('may')}
      />
      {form.values.may === 'some' && <ActionsInput {...form.getInputProps('actions')} />}
      <ModelsInput {...form.getInputProps('models')} />
      <Select
        label={t('keys.ends')}
        data={[
          { value: '30', label: t('keys.inDays', { count: 30 }) },
          { value: '90', label: t('keys.inDays', { count: 90 }) },
          { value: '365', label: t('keys.inYear') },
          { value: 'day', label: t('keys.onDay') },
          { value: 'never', label: t('keys.never') },
        ]}
        allowDeselect={false}
        error={form.errors.expires}
        {...form.getInputProps('ends')}
      />
      {form.values.ends === 'day' && (
        <TextInput type="date" label={t('keys.lastDay')} {...form.getInputProps('day')} />
      )}
      <TagsInput
        label={t('keys.from')}
        description={t('keys.fromHelp')}
        placeholder="10.0.0.0/8"
        acceptValueOnBlur
        splitChars={[',', ' ']}
        {...form.getInputProps('networks')}
      />
    </FormDrawer>
  );
}

type ListProps = { value?: string[]; onChange?: (value: string[]) => void; error?: React.ReactNode };

function ActionsInput(props: ListProps) {
  const { t } = useTranslation();
  const me = useMe();
  const sentence = usePermission();
  return (
    <MultiSelect
      label={t('keys.actionsLabel')}
      data={choices(me?.permissions ?? [])}
      searchable
      hidePickedOptions
      renderOption={({ option }) => (
        <div>
          <Text size="sm" ff="monospace">
            {option.value}
          </Text>
          <Text size="xs" c="dimmed">
            {sentence(option.value)}
          </Text>
        </div>
      )}
      {...props}
    />
  );
}

function ModelsInput(props: ListProps) {
  const { t } = useTranslation();
  const may = useMay();
  const launches = useQuery({ ...launchesQuery, enabled: may('launches.read') });
  const names = (launches.data ?? []).map((launch) => launch.uid);
  const found = reached(props.value ?? [], names);
  return (
    <Stack gap={4}>
      <TagsInput
        label={t('keys.modelsLabel')}
        description={t('keys.modelsHelp')}
        placeholder={props.value?.length ? undefined : t('keys.allModels')}
        data={names}
        acceptValueOnBlur
        splitChars={[',', ' ']}
        {...props}
      />
      {launches.data && (
        <Text size="xs" c="dimmed" role="status">
          {found.length
            ? t('keys.reaches', { count: found.length, names: found.slice(0, 8).join(', ') })
            : t('keys.reachesNone')}
        </Text>
      )}
    </Stack>
  );
}
