/** In which of their projects somebody acts. */

import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { useChooseProject, useMe } from '@/session/session';
import classes from './Shell.module.css';

/** The browser's own list is there at once; one to search in comes where there are many. */
const ProjectSearch = lazy(() => import('./ProjectSearch'));
const MANY = 8;

export type ProjectName = { value: string; label: string };

export function ProjectChoice() {
  const { t } = useTranslation();
  const me = useMe();
  const choose = useChooseProject();
  if (!me || (me.projects.length < 2 && !me.superuser)) return null;
  const some = me.projects
    .filter((one) => !one.archived)
    .map((one) => ({ value: one.slug, label: one.title || one.slug }));
  const names: ProjectName[] = me.superuser ? [{ value: '', label: t('nav.allProjects') }, ...some] : some;
  if (some.length > MANY)
    return (
      <Suspense fallback={null}>
        <ProjectSearch names={names} value={me.project} choose={(slug) => void choose(slug)} />
      </Suspense>
    );
  return (
    <select
      className={classes.project}
      aria-label={t('nav.project')}
      value={me.project}
      onChange={(event) => void choose(event.currentTarget.value)}
    >
      {names.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}
