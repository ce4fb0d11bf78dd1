/** Which claim of a provider gives which role, as a form has it. */

import type { RuleRequest } from '@/api/schema';

export type RuleRow = { id: number; claim: string; value: string; role: string; project: string };

let next = 0;

export function emptyRow(): RuleRow {
  next += 1;
  return { id: next, claim: 'groups', value: '', role: 'developer', project: 'default' };
}

export function asRows(rules: readonly RuleRequest[]): RuleRow[] {
  return rules.map((rule) => ({
    ...emptyRow(),
    claim: rule.claim,
    value: rule.value,
    role: rule.superuser ? 'superuser' : (rule.role ?? ''),
    project: rule.project ?? '',
  }));
}

/** A rule makes a superuser, or gives a role in a project. */
export function asRules(rows: readonly RuleRow[]): RuleRequest[] {
  return rows
    .filter((row) => row.claim.trim() && row.value.trim())
    .map(({ claim, value, role, project }) => ({
      claim: claim.trim(),
      value: value.trim(),
      ...(role === 'superuser' ? { superuser: true } : { role: role as RuleRequest['role'], project }),
    }));
}
