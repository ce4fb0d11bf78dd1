/** Sizes and formats of a family, and where the files of each are. */

import { ActionIcon, Button, Fieldset, Group, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { at, emptySpec, type Place } from './draft';
import type { Editing } from './RegisterForm';

const FORMATS = ['ggufv2', 'pytorch', 'awq', 'gptq', 'fp8', 'fp4', 'bnb', 'mlx'];
const HUBS = ['huggingface', 'modelscope', 'path', 'uri'];

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export function SpecsFields(editing: Editing) {
  const { t } = useTranslation();
  const specs = list(editing.draft.specs);
  return (
    <Stack>
      {specs.map((_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a spec is its place in the list
        <SpecFields key={index} {...editing} index={index} alone={specs.length === 1} />
      ))}
      <Button
        variant="default"
        leftSection={<IconPlus size={16} />}
        onClick={() => editing.set(['specs'], [...specs, emptySpec()])}
        w="fit-content"
      >
        {t('models.register.addSpec')}
      </Button>
    </Stack>
  );
}

function SpecFields({ draft, set, errorAt, index, alone }: Editing & { index: number; alone: boolean }) {
  const { t } = useTranslation();
  const here: Place = ['specs', index];
  const value = (key: string) => at(draft, [...here, key]);
  const field = (key: string) => ({
    value: text(value(key)),
    onChange: (event: { currentTarget: { value: string } }) => set([...here, key], event.currentTarget.value),
    error: errorAt([...here, key]),
  });
  const repositories = list(value('repositories'));
  const format = text(value('format'));
  return (
    <Fieldset legend={t('models.register.spec', { number: index + 1 })}>
      <Stack gap="sm">
        <Group grow align="flex-start">
          <Select
            label={t('models.format')}
            data={FORMATS}
            value={format || null}
            onChange={(chosen) => set([...here, 'format'], chosen)}
            allowDeselect={false}
            required
            error={errorAt([...here, 'format'])}
          />
          <TextInput
            label={t('models.register.billions')}
            placeholder="0.6"
            required={draft.kind === 'llm'}
            {...field('size')}
          />
        </Group>
        <TagsInput
          label={t('models.register.quantizations')}
          description={t('models.register.quantizationsHelp')}
          value={list(value('quantizations')).map(String)}
          onChange={(values) => set([...here, 'quantizations'], values)}
          error={errorAt([...here, 'quantizations'])}
        />
        {format === 'ggufv2' && (
          <TextInput
            label={t('models.register.file')}
            description={t('models.register.fileHelp', { placeholder: '{quantization}' })}
            placeholder="model-{quantization}.gguf"
            {...field('file')}
          />
        )}
        {repositories.map((_, place) => (
          <Repository
            // biome-ignore lint/suspicious/noArrayIndexKey: a repository is its place in the list
            key={place}
            draft={draft}
            set={set}
            errorAt={errorAt}
            place={[...here, 'repositories', place]}
            remove={
              repositories.length > 1
                ? () =>
                    set(
                      [...here, 'repositories'],
                      repositories.filter((__, other) => other !== place),
                    )
                : undefined
            }
          />
        ))}
        <Group justify="space-between">
          <Button
            size="xs"
            variant="subtle"
            leftSection={<IconPlus size={14} />}
            onClick={() => set([...here, 'repositories'], [...repositories, { hub: 'modelscope', id: '' }])}
          >
            {t('models.register.addRepository')}
          </Button>
          {!alone && (
            <Button
              size="xs"
              variant="subtle"
              color="red"
              leftSection={<IconTrash size={14} />}
              onClick={() =>
                set(
                  ['specs'],
                  list(draft.specs).filter((_, other) => other !== index),
                )
              }
            >
              {t('models.register.removeSpec')}
            </Button>
          )}
        </Group>
      </Stack>
    </Fieldset>
  );
}

type RepositoryProps = Editing & { place: Place; remove?: () => void };

function Repository({ draft, set, errorAt, place, remove }: RepositoryProps) {
  const { t } = useTranslation();
  const hub = text(at(draft, [...place, 'hub']));
  const hint = { path: '/models/mine', uri: 'https://' }[hub] ?? 'owner/name';
  return (
    <Group align="flex-start" gap="xs" wrap="nowrap">
      <Select
        label={t('models.register.hub')}
        data={HUBS.map((one) => ({ value: one, label: t(`models.register.hubs.${one as 'path'}`) }))}
        value={hub || null}
        onChange={(chosen) => set([...place, 'hub'], chosen)}
        allowDeselect={false}
        w={150}
        error={errorAt([...place, 'hub'])}
      />
      <TextInput
        label={t('models.register.id')}
        placeholder={hint}
        required
        value={text(at(draft, [...place, 'id']))}
        onChange={(event) => set([...place, 'id'], event.currentTarget.value)}
        error={errorAt([...place, 'id'])}
        flex={1}
      />
      <TextInput
        label={t('models.register.revision')}
        placeholder="main"
        value={text(at(draft, [...place, 'revision']))}
        onChange={(event) => set([...place, 'revision'], event.currentTarget.value)}
        error={errorAt([...place, 'revision'])}
        w={110}
        visibleFrom="sm"
      />
      {remove && (
        <ActionIcon
          variant="subtle"
          color="red"
          mt={28}
          onClick={remove}
          aria-label={t('models.register.removeRepository')}
        >
          <IconTrash size={16} />
        </ActionIcon>
      )}
    </Group>
  );
}
