import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ProjectName } from './ProjectChoice';

type Props = { names: ProjectName[]; value: string; choose: (slug: string) => void };

export default function ProjectSearch({ names, value, choose }: Props) {
  const { t } = useTranslation();
  return (
    <Select
      size="xs"
      w={{ base: 108, xs: 150 }}
      aria-label={t('nav.project')}
      data={names}
      value={value}
      onChange={(slug) => choose(slug ?? '')}
      allowDeselect={false}
      searchable
      comboboxProps={{ width: 220, position: 'bottom-start' }}
    />
  );
}
