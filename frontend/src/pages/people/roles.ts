/** Roles of a project, rising. */

import type { Role } from '@/api/schema';

export const ROLES: readonly Role[] = ['viewer', 'developer', 'admin', 'owner'];

/** Roles that somebody may give: none above their own. */
export function givable(own: string): readonly Role[] {
  if (own === 'superuser') return ROLES;
  return ROLES.slice(0, ROLES.indexOf(own as Role) + 1);
}
