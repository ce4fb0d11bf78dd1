/** Which time, and of what, the address asks for. */

import { asOneOf, asText, type Search } from '@/ui/useUrl';
import { type By, beginning, type Measure, type Step } from './buckets';

export const RANGES = ['24h', '7d', '30d', '90d', 'custom'] as const;
export type Range = (typeof RANGES)[number];

const BYS: readonly By[] = ['model', 'key', 'user', 'project'];
const MEASURES: readonly Measure[] = ['requests', 'tokens', 'cost'];
const DAYS: Record<Exclude<Range, 'custom'>, number> = { '24h': 1, '7d': 7, '30d': 30, '90d': 90 };

export const read = (search: Search) => ({
  range: asOneOf(search.range, RANGES, '30d'),
  from: asText(search.from),
  to: asText(search.to),
  by: asOneOf(search.by, BYS, 'model'),
  measure: asOneOf(search.measure, MEASURES, 'tokens'),
  key: asText(search.key),
  model: asText(search.model),
  user: asText(search.user),
});

type Asked = { range: Range; from: string; to: string };

/** Days of a chosen range are whole ones, of UTC as the server counts them; its last is a part of it. */
export function ranged({ range, from, to }: Asked, now?: number): { from: string; to: string; step: Step } {
  if (range !== 'custom') {
    const step = DAYS[range] <= 2 ? 'hour' : 'day';
    return { from: beginning(DAYS[range], step, now), to: '', step };
  }
  const first = Date.parse(`${from}T00:00:00Z`);
  const last = Date.parse(`${to}T00:00:00Z`);
  const end = Number.isNaN(last) ? '' : new Date(last + 86_400_000).toISOString();
  const isShort = !Number.isNaN(first) && !Number.isNaN(last) && last - first <= 86_400_000;
  return {
    from: Number.isNaN(first) ? beginning(30, 'day', now) : new Date(first).toISOString(),
    to: end,
    step: isShort ? 'hour' : 'day',
  };
}
