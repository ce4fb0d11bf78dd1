/** Options of the engine, each with its type, range and help; those that few need are folded. */

import { Accordion, Group, NumberInput, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Kind } from '@/api/catalogue';
import { engineOptionsQuery } from '@/api/engineOptions';
import type { EngineOption } from '@/api/schema';
import { useMay } from '@/session/session';
import { Loaded } from '@/ui/states';
import type { OptionValue } from './draft';

type Values = Record<string, OptionValue>;
type Props = {
  engine: string;
  kind: Kind | undefined;
  values: Values;
  change: (values: Values) => void;
  error: (field: string) => string | undefined;
};

/** What people set most often. */
const COMMON = new Set([
  'n_gpu_layers',
  'n_threads',
  'threads',
  'cache_type_k',
  'cache_type_v',
  'type_k',
  'type_v',
  'flash_attn',
  'flash_attn_type',
  'dtype',
  'device',
  'attn_implementation',
  'batching',
]);

export function OptionFields({ engine, kind, values, change, error }: Props) {
  const { t } = useTranslation();
  const query = useQuery({ ...engineOptionsQuery(engine, kind), enabled: !!engine });
  const [words, setWords] = useState('');
  // What is set while one types stays where it is.
  const [before] = useState(values);
  if (!engine) return null;
  const set = (name: string, value: OptionValue | null) => {
    const { [name]: _, ...rest } = values;
    change(value === null || value === '' ? rest : { ...rest, [name]: value });
  };
  const field = (option: EngineOption) => (
    <OptionField
      key={option.name}
      option={option}
      value={values[option.name]}
      set={(value) => set(option.name, value)}
      error={error(`options.${option.name}`)}
    />
  );
  return (
    <Loaded query={query} lines={3}>
      {(options) => {
        const isUp = ({ name }: EngineOption) =>
          COMMON.has(name) || name in before || error(`options.${name}`) !== undefined;
        const said = words.toLowerCase();
        const rest = options.filter(
          (option) => !isUp(option) && `${option.name} ${option.help}`.toLowerCase().includes(said),
        );
        return (
          <Stack gap="sm">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>{options.filter(isUp).map(field)}</SimpleGrid>
            <Accordion variant="contained" chevronPosition="left">
              <Accordion.Item value="rest">
                <Accordion.Control>
                  <Text size="sm">
                    {t('launch.options.more', { count: options.filter((one) => !isUp(one)).length })}
                  </Text>
                </Accordion.Control>
                <Accordion.Panel>
                  <Stack gap="sm">
                    <TextInput
                      aria-label={t('launch.options.find')}
                      placeholder={t('launch.options.find')}
                      leftSection={<IconSearch size={14} aria-hidden />}
                      value={words}
                      onChange={(event) => setWords(event.currentTarget.value)}
                      maw={320}
                    />
                    <SimpleGrid cols={{ base: 1, sm: 2 }}>{rest.map(field)}</SimpleGrid>
                  </Stack>
                </Accordion.Panel>
              </Accordion.Item>
            </Accordion>
          </Stack>
        );
      }}
    </Loaded>
  );
}

type FieldProps = {
  option: EngineOption;
  value: OptionValue | undefined;
  set: (value: OptionValue | null) => void;
  error: string | undefined;
};

function OptionField({ option, value, set, error }: FieldProps) {
  const { t } = useTranslation();
  const mayRisk = useMay()('launches.unsafe');
  const usual =
    option.default === null || option.default === ''
      ? t('launch.options.byEngine')
      : t('launch.options.usual', { value: String(option.default) });
  const isClosed = option.risky && !mayRisk;
  const shared = {
    label: option.name,
    description: isClosed ? `${option.help}. ${t('launch.options.risky')}` : option.help,
    placeholder: usual,
    error,
    disabled: isClosed,
  };
  const choices = option.choices.length ? option.choices : mayRisk ? [] : option.harmless;
  if (option.type === 'bool')
    return (
      <Select
        {...shared}
        data={[
          { value: 'true', label: t('common.yes') },
          { value: 'false', label: t('common.no') },
        ]}
        value={value === undefined ? null : String(value)}
        onChange={(chosen) => set(chosen === null ? null : chosen === 'true')}
        clearable
      />
    );
  if (choices.length)
    return (
      <Select
        {...shared}
        data={choices}
        value={value === undefined ? null : String(value)}
        onChange={set}
        clearable
      />
    );
  if (option.type === 'int' || option.type === 'float')
    return (
      <NumberInput
        {...shared}
        min={option.least ?? undefined}
        allowDecimal={option.type === 'float'}
        value={typeof value === 'number' ? value : ''}
        onChange={(number) => set(number === '' ? null : Number(number))}
      />
    );
  return (
    <Group grow>
      <TextInput
        {...shared}
        value={value === undefined ? '' : String(value)}
        onChange={(event) => set(event.currentTarget.value)}
      />
    </Group>
  );
}
