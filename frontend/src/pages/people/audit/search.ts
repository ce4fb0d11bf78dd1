/** What the audit is searched for, as the address and the server say it. */

import type { AuditFilter } from '@/api/audit';
import { asOneOf, asText, type Search } from '@/ui/useUrl';

export const OUTCOMES = ['done', 'refused', 'failed'] as const;

export const read = (search: Search) => ({
  who: asText(search.who),
  action: asText(search.action),
  thing: asText(search.thing),
  id: asText(search.id),
  text: asText(search.text),
  outcome: asOneOf(search.outcome, [...OUTCOMES, ''], ''),
  /** days, as an input of type date gives them: both are part of it */
  since: asText(search.since),
  until: asText(search.until),
});

export function asFilter(url: ReturnType<typeof read>): AuditFilter {
  const { since, until, outcome, ...words } = url;
  const filter: AuditFilter = {};
  for (const [name, value] of Object.entries(words)) {
    const word = value.trim();
    if (word) filter[name as keyof typeof words] = word;
  }
  if (outcome) filter.outcome = outcome;
  const [first, last] = [midnight(since), midnight(until)];
  if (first) filter.since = first.toISOString();
  if (last) {
    last.setDate(last.getDate() + 1);
    filter.until = last.toISOString();
  }
  return filter;
}

/** Of the reader's own zone. */
function midnight(day: string): Date | null {
  const [year, month, date] = day.split('-').map(Number);
  return year && month && date ? new Date(year, month - 1, date) : null;
}
