import { Chip, CloseButton, Group, Select, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { memo, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { KINDS } from '@/api/catalogue';
import type { FamilyLine } from '@/api/schema';
import { choices } from './filter';
import { type Filters, SIZES, type SizeName } from './search';
import { useWords } from './useWords';

/** two beside each other on a phone */
const HALF = 'calc(50% - 6px)';

type Props = {
  lines: FamilyLine[];
  filters: Filters;
  change: (some: Partial<Filters>) => void;
  typed: string;
  type: (text: string) => void;
};

export function FilterBar({ lines, filters, change, typed, type }: Props) {
  const { t } = useTranslation();
  return (
    <Group gap="sm" role="search" aria-label={t('models.filters')}>
      <TextInput
        type="search"
        value={typed}
        onChange={(event) => type(event.currentTarget.value)}
        placeholder={t('models.search')}
        aria-label={t('models.search')}
        leftSection={<IconSearch size={16} />}
        rightSection={
          typed && <CloseButton size="sm" aria-label={t('models.clearSearch')} onClick={() => type('')} />
        }
        miw={220}
        flex={1}
      />
      <Choices lines={lines} filters={filters} change={change} />
    </Group>
  );
}

type ChoicesProps = Pick<Props, 'lines' | 'filters' | 'change'>;

/** Apart from the box, so that a letter typed there does not make all of these anew. */
const Choices = memo(function Choices({ lines, filters, change }: ChoicesProps) {
  const { t } = useTranslation();
  const words = useWords();
  const ofKind = useMemo(
    () => lines.filter((line) => !filters.kind || line.kind === filters.kind),
    [lines, filters.kind],
  );
  const abilities = useMemo(() => choices(ofKind, (line) => line.abilities), [ofKind]);
  const licences = useMemo(() => choices(ofKind, (line) => [line.licence]), [ofKind]);
  const seesFiles = lines.some((line) => line.cached !== null);
  return (
    <>
      <Select
        aria-label={t('models.type')}
        placeholder={t('models.anyType')}
        data={KINDS.filter((kind) => lines.some((line) => line.kind === kind)).map((kind) => ({
          value: kind,
          label: words.kind(kind),
        }))}
        value={filters.kind || null}
        onChange={(kind) => change({ kind: kind ?? '', ability: '', licence: '' })}
        clearable
        w={{ base: HALF, xs: 150 }}
      />
      <Select
        aria-label={t('models.ability')}
        placeholder={t('models.anyAbility')}
        data={abilities.map(({ value, count }) => ({ value, label: `${words.ability(value)} (${count})` }))}
        value={filters.ability || null}
        onChange={(ability) => change({ ability: ability ?? '' })}
        clearable
        searchable
        w={{ base: HALF, xs: 190 }}
      />
      <Select
        aria-label={t('models.size')}
        placeholder={t('models.anySize')}
        data={(Object.keys(SIZES) as SizeName[]).map((name) => ({
          value: name,
          label: t(`models.sizes.${name}`),
        }))}
        value={filters.size || null}
        onChange={(size) => change({ size: size ?? '' })}
        clearable
        w={{ base: HALF, xs: 150 }}
      />
      <Select
        aria-label={t('models.licence')}
        placeholder={t('models.anyLicence')}
        data={licences.map(({ value, count }) => ({ value, label: `${value} (${count})` }))}
        value={filters.licence || null}
        onChange={(licence) => change({ licence: licence ?? '' })}
        clearable
        searchable
        w={{ base: HALF, xs: 170 }}
      />
      <Group gap="xs">
        <Chip checked={filters.here} onChange={(here) => change({ here })}>
          {t('models.runsHere')}
        </Chip>
        {seesFiles && (
          <Chip checked={filters.cached} onChange={(cached) => change({ cached })}>
            {t('models.cached')}
          </Chip>
        )}
        <Chip checked={filters.mine} onChange={(mine) => change({ mine })}>
          {t('models.mine')}
        </Chip>
      </Group>
    </>
  );
});
