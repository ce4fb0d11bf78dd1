/** Sampling parameters by hand. Those that none of the chosen models honours cannot be set. */

import { Group, NumberInput, Select, SimpleGrid, TagsInput, Text, Tooltip } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Card } from '@/api/inference';
import { can, EFFORTS, honours, NUMBERS, type ParameterName, type Values } from './parameters';

type Props = {
  values: Values;
  onChange: (values: Values) => void;
  /** of the models that are asked */
  cards: (Card | undefined)[];
  /** completions know no effort of reasoning */
  without?: readonly ParameterName[];
};

export function ParameterFields({ values, onChange, cards, without = [] }: Props) {
  const { t } = useTranslation();
  const is = (name: ParameterName) =>
    !without.includes(name) && (cards.length === 0 || cards.some((card) => honours(card, name)));
  const set = (name: ParameterName, value: unknown) => {
    const { [name]: _, ...rest } = values;
    onChange(value === undefined || value === '' ? rest : { ...rest, [name]: value });
  };
  const label = (name: ParameterName) => (
    <Group gap={4} component="span" wrap="nowrap">
      <code>{name}</code>
      <Tooltip
        label={t(`play.parameters.${name}`)}
        multiline
        maw={280}
        events={{ hover: true, focus: true, touch: true }}
      >
        <IconInfoCircle size={14} aria-hidden opacity={0.6} />
      </Tooltip>
    </Group>
  );
  return (
    <>
      <SimpleGrid cols={2} spacing="xs" verticalSpacing="xs">
        {NUMBERS.filter((one) => is(one.name)).map((one) => (
          <NumberInput
            key={one.name}
            size="xs"
            label={label(one.name)}
            aria-label={`${one.name}: ${t(`play.parameters.${one.name}`)}`}
            value={values[one.name] ?? ''}
            onChange={(value) => set(one.name, value === '' ? undefined : Number(value))}
            min={one.min}
            max={one.max}
            step={one.step}
            allowDecimal={one.step < 1}
            clampBehavior="blur"
            placeholder={one.usual === undefined ? '–' : String(one.usual)}
          />
        ))}
        {is('reasoning_effort') && cards.some((card) => card && can(card, 'reasoning')) && (
          <Select
            size="xs"
            label={label('reasoning_effort')}
            aria-label={`reasoning_effort: ${t('play.parameters.reasoning_effort')}`}
            data={[...EFFORTS]}
            value={values.reasoning_effort ?? null}
            onChange={(value) => set('reasoning_effort', value ?? undefined)}
            clearable
            clearButtonProps={{ 'aria-label': t('play.clear') }}
            placeholder="–"
          />
        )}
      </SimpleGrid>
      {is('stop') && (
        <TagsInput
          size="xs"
          label={label('stop')}
          aria-label={`stop: ${t('play.parameters.stop')}`}
          value={values.stop ?? []}
          onChange={(stop) => set('stop', stop.length ? stop : undefined)}
          maxTags={16}
          splitChars={[]}
        />
      )}
      <Text size="xs" c="dimmed">
        {t('play.parameters.help')}
      </Text>
    </>
  );
}
