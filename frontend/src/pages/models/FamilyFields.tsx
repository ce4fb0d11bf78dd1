/** What a family is: the fields that most registrations need; the others are written as text. */

import {
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Select,
  Stack,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { catalogueQuery, KINDS } from '@/api/catalogue';
import { choices } from './filter';
import type { Editing } from './RegisterForm';
import { useWords } from './useWords';

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number | '' => (typeof value === 'number' ? value : '');

export function FamilyFields({ draft, set, errorAt, isEdit }: Editing & { isEdit: boolean }) {
  const { t } = useTranslation();
  const words = useWords();
  const catalogue = useQuery(catalogueQuery);
  const abilities = useMemo(
    () =>
      choices(
        (catalogue.data ?? []).filter((line) => line.kind === draft.kind),
        (line) => line.abilities,
      ).map((one) => one.value),
    [catalogue.data, draft.kind],
  );
  const field = (name: string) => ({
    value: text(draft[name]),
    onChange: (event: { currentTarget: { value: string } }) => set([name], event.currentTarget.value),
    error: errorAt([name]),
  });
  const list = (name: string) => ({
    value: texts(draft[name]),
    onChange: (values: string[]) => set([name], values),
    error: errorAt([name]),
  });
  return (
    <Fieldset legend={t('models.register.family')}>
      <Stack gap="sm">
        <Group grow align="flex-start">
          <TextInput
            label={t('common.name')}
            description={t('models.register.nameHelp')}
            required
            disabled={isEdit}
            {...field('name')}
          />
          <Select
            label={t('models.type')}
            description={t('models.register.typeHelp')}
            data={KINDS.map((kind) => ({ value: kind, label: words.kind(kind) }))}
            value={text(draft.kind) || null}
            onChange={(kind) => set(['kind'], kind)}
            allowDeselect={false}
            disabled={isEdit}
            error={errorAt(['kind'])}
            required
          />
        </Group>
        <Textarea
          label={t('models.register.description')}
          autosize
          minRows={1}
          maxRows={5}
          {...field('description')}
        />
        <TagsInput
          label={t('models.ability')}
          description={t('models.register.abilityHelp')}
          data={abilities}
          {...list('abilities')}
        />
        <Group grow align="flex-start">
          <NumberInput
            label={t('models.context')}
            description={t('models.register.contextHelp')}
            min={1}
            allowDecimal={false}
            value={number(draft.context_length)}
            onChange={(value) => set(['context_length'], value === '' ? null : Number(value))}
            error={errorAt(['context_length'])}
          />
          {draft.kind === 'embedding' && (
            <NumberInput
              label={t('models.dimensions')}
              description={t('models.register.dimensionsHelp')}
              min={1}
              allowDecimal={false}
              required
              value={number(draft.dimensions)}
              onChange={(value) => set(['dimensions'], value === '' ? null : Number(value))}
              error={errorAt(['dimensions'])}
            />
          )}
        </Group>
        <Group grow align="flex-start">
          <TagsInput label={t('models.languages')} placeholder="en, zh" {...list('languages')} />
          <TagsInput
            label={t('models.architecture')}
            placeholder="Qwen3ForCausalLM"
            {...list('architectures')}
          />
        </Group>
        <Group grow align="flex-start">
          <TextInput label={t('models.licence')} placeholder="apache-2.0" {...field('licence')} />
          <TextInput label={t('models.homepage')} placeholder="https://" {...field('homepage')} />
        </Group>
        {draft.kind === 'llm' && (
          <>
            <Textarea
              label={t('models.register.template')}
              description={t('models.register.templateHelp')}
              autosize
              minRows={1}
              maxRows={8}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              {...field('chat_template')}
            />
            <TagsInput label={t('models.register.stop')} {...list('stop')} />
          </>
        )}
        <Checkbox
          label={t('models.register.remoteCode')}
          checked={draft.remote_code === true}
          onChange={(event) => set(['remote_code'], event.currentTarget.checked)}
          error={errorAt(['remote_code'])}
        />
      </Stack>
    </Fieldset>
  );
}
