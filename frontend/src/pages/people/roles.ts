/** Roles of a project, rising. */

import { useTranslation } from 'react-i18next';
import type { Role } from '@/api/schema';

export const ROLES: readonly Role[] = ['viewer', 'developer', 'admin', 'owner'];

/** The word for a role; the server also says `superuser`, and nothing for none. */
export function useRoleName(): (role: string) => string {
  const { t, i18n } = useTranslation();
  return (role) => {
    const key = `roles.${role}` as 'roles.viewer';
    return role && i18n.exists(key) ? String(t(key)) : role || '–';
  };
}

/** Roles that somebody may give: none above their own. */
export function givable(own: string): readonly Role[] {
  if (own === 'superuser') return ROLES;
  return ROLES.slice(0, ROLES.indexOf(own as Role) + 1);
}
