/** Rows of usage as bars: one for each hour or day, a part for each model, key or user. */

import type { UsageRow } from '@/api/schema';

export type Step = 'hour' | 'day';
export type By = 'model' | 'key' | 'user' | 'project';
export type Measure = 'requests' | 'tokens' | 'cost';

export const STEP_MS: Record<Step, number> = { hour: 3_600_000, day: 86_400_000 };
/** More colours than that nobody tells apart. */
const MOST = 7;

export function measured(row: UsageRow, measure: Measure): number {
  if (measure === 'requests') return row.requests;
  if (measure === 'cost') return Number(row.cost);
  return row.prompt_tokens + row.completion_tokens;
}

export function nameOf(row: UsageRow, by: By): string {
  return (by === 'user' ? row.user_name || row.user : row[by]) ?? '';
}

/** A range ends now, and begins with a whole hour or day: the server counts by UTC. */
export function beginning(days: number, step: Step, now: number = Date.now()): string {
  const start = now - days * STEP_MS.day;
  return new Date(Math.floor(start / STEP_MS[step]) * STEP_MS[step]).toISOString();
}

export type Bars = { times: number[]; parts: { name: string; values: number[] }[] };

export function bars(
  rows: readonly UsageRow[],
  { by, step, measure, from, to }: { by: By; step: Step; measure: Measure; from: string; to: string },
  others: string,
): Bars {
  const first = Math.floor(Date.parse(from) / STEP_MS[step]) * STEP_MS[step];
  const count = Math.max(1, Math.ceil((Date.parse(to) - first) / STEP_MS[step]));
  const times = Array.from({ length: count }, (_, index) => first + index * STEP_MS[step]);
  const sums = new Map<string, number>();
  for (const row of rows)
    sums.set(nameOf(row, by), (sums.get(nameOf(row, by)) ?? 0) + measured(row, measure));
  const shown = [...sums.keys()].sort((a, b) => (sums.get(b) ?? 0) - (sums.get(a) ?? 0)).slice(0, MOST);
  const names = sums.size > shown.length ? [...shown, others] : shown;
  const parts = names.map((name) => ({ name, values: times.map(() => 0) }));
  for (const row of rows) {
    const at = Math.floor((Date.parse(utc(row[step] ?? '')) - first) / STEP_MS[step]);
    const part = parts[shown.indexOf(nameOf(row, by))] ?? parts.at(-1);
    const before = part?.values[at];
    if (part && before !== undefined) part.values[at] = before + measured(row, measure);
  }
  return { times, parts };
}

/** A time without a zone is UTC, a day is its midnight there. */
function utc(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `${text}T00:00:00Z`;
  return /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`;
}

export type Sum = {
  name: string;
  requests: number;
  errors: number;
  prompt: number;
  cached: number;
  completion: number;
  cost: number;
};

export function sums(rows: readonly UsageRow[], by: By | null): Sum[] {
  const all = new Map<string, Sum>();
  for (const row of rows) {
    const name = by ? nameOf(row, by) : '';
    const sum = all.get(name) ?? {
      name,
      requests: 0,
      errors: 0,
      prompt: 0,
      cached: 0,
      completion: 0,
      cost: 0,
    };
    sum.requests += row.requests;
    sum.errors += row.errors;
    sum.prompt += row.prompt_tokens;
    sum.cached += row.cached_tokens;
    sum.completion += row.completion_tokens;
    sum.cost += Number(row.cost);
    all.set(name, sum);
  }
  return [...all.values()];
}
