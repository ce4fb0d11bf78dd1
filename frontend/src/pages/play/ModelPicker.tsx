/** Which model: those that run, then those that the first request starts. */

import { Group, Select, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Card } from '@/api/inference';
import { StateBadge } from '@/ui/StateBadge';
import { byReadiness } from './kinds';

type Props = {
  cards: Card[];
  value: string;
  onChange: (model: string) => void;
  label: string;
  disabled?: boolean;
};

export function ModelPicker({ cards, value, onChange, label, disabled }: Props) {
  const { t } = useTranslation();
  const byId = new Map(cards.map((card) => [card.id, card]));
  const names = byReadiness(cards).map((card) => card.id);
  const runs = (name: string) => byId.get(name)?.state === 'ready';
  const groups = [
    { group: t('play.picker.running'), items: names.filter(runs) },
    { group: t('play.picker.others'), items: names.filter((name) => !runs(name)) },
  ].filter((group) => group.items.length);
  // One that an address names and that is not there (any more): it is said, and not changed silently.
  if (value && !byId.has(value)) groups.push({ group: t('play.picker.gone'), items: [value] });
  return (
    <Select
      aria-label={label}
      data={groups}
      value={value || null}
      onChange={(model) => model && onChange(model)}
      error={value && !byId.has(value) ? t('play.picker.goneHelp', { model: value }) : undefined}
      searchable={names.length > 6}
      allowDeselect={false}
      disabled={disabled}
      placeholder={t('play.picker.choose')}
      nothingFoundMessage={t('play.picker.none')}
      flex={1}
      miw={0}
      comboboxProps={{ width: 320, position: 'bottom-start' }}
      renderOption={({ option }) => {
        const card = byId.get(option.value);
        return (
          <Group justify="space-between" wrap="nowrap" flex={1} gap="xs">
            <div style={{ minWidth: 0 }}>
              <Text size="sm" truncate>
                {option.value}
              </Text>
              {card && (
                <Text size="xs" c="dimmed" truncate>
                  {card.parent ? t('play.picker.adapter', { model: card.parent }) : card.engine}
                </Text>
              )}
            </div>
            {card && card.state !== 'ready' && <StateBadge state={card.state} />}
          </Group>
        );
      }}
    />
  );
}
