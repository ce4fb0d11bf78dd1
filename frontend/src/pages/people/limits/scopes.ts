/** What a limit is about, and which of several holds. */

import type { Limit, NewLimitRequest } from '@/api/schema';

export type Kind = Limit['kind'];
export type Scope = Limit['scope'];

export const KINDS: readonly Kind[] = [
  'requests_per_minute',
  'tokens_per_minute',
  'concurrent_requests',
  'tokens_per_day',
  'tokens_per_month',
  'money_per_day',
  'money_per_month',
];

/** From the widest to the narrowest. */
export const SCOPES: readonly Scope[] = ['everyone', 'project', 'user', 'key'];

export function isMoney(kind: Kind): boolean {
  return kind.startsWith('money');
}

/** Is this limit about the project: itself, or somebody within it? */
export function isOf(limit: Limit, project: string): boolean {
  return limit.project === project || (limit.scope === 'project' && ['*', project].includes(limit.subject));
}

export type Values = {
  kind: Kind;
  amount: string | number;
  scope: Scope;
  whom: 'each' | 'one';
  subject: string;
  project: string;
  model: string;
  note: string;
};

/** A form's values as the server takes them: `*` is each one for itself. */
export function asRequest(values: Values): NewLimitRequest {
  const { scope } = values;
  const subject = scope === 'everyone' ? '' : values.whom === 'each' ? '*' : values.subject.trim();
  return {
    kind: values.kind,
    amount: String(values.amount),
    scope,
    subject,
    // What a project does as a whole is not restricted to a project.
    project: scope === 'user' || scope === 'key' ? values.project : '',
    model: values.model.trim() || '*',
    note: values.note.trim(),
  };
}
