/** In which of their projects somebody acts. */

import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useChooseProject, useMe } from '@/session/session';

export default function ProjectChoice() {
  const { t } = useTranslation();
  const me = useMe();
  const choose = useChooseProject();
  if (!me || (me.projects.length < 2 && !me.superuser)) return null;
  const all = { value: '', label: t('nav.allProjects') };
  const some = me.projects
    .filter((one) => !one.archived)
    .map((one) => ({ value: one.slug, label: one.title || one.slug }));
  return (
    <Select
      size="xs"
      w={{ base: 108, xs: 150 }}
      aria-label={t('nav.project')}
      data={me.superuser ? [all, ...some] : some}
      value={me.project}
      onChange={(slug) => void choose(slug ?? '')}
      allowDeselect={false}
      searchable={some.length > 8}
      comboboxProps={{ width: 220, position: 'bottom-start' }}
    />
  );
}
