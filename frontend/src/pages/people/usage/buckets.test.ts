import { expect, test } from 'vitest';
import type { UsageRow } from '@/api/schema';
import { bars, beginning, sums } from './buckets';

const row = (some: Partial<UsageRow>): UsageRow => ({
  requests: 1,
  prompt_tokens: 10,
  cached_tokens: 2,
  completion_tokens: 5,
  cost: '0.5',
  errors: 0,
  ...some,
});
const days = { by: 'model', step: 'day', from: '2030-01-01T00:00:00Z', to: '2030-01-03T12:00:00Z' } as const;

test('a day without requests has a bar of nothing', () => {
  const rows = [row({ day: '2030-01-01', model: 'a' }), row({ day: '2030-01-03', model: 'a' })];
  expect(bars(rows, { ...days, measure: 'tokens' }, 'others')).toEqual({
    times: [1, 2, 3].map((day) => Date.UTC(2030, 0, day)),
    parts: [{ name: 'a', values: [15, 0, 15] }],
  });
});

test('the largest have parts of their own, all else is one', () => {
  const rows = Array.from({ length: 9 }, (_, n) =>
    row({ day: '2030-01-02', model: `m${n}`, requests: 10 + n }),
  );
  const { parts } = bars(rows, { ...days, measure: 'requests' }, 'others');
  expect(parts.map((part) => part.name)).toEqual(['m8', 'm7', 'm6', 'm5', 'm4', 'm3', 'm2', 'others']);
  expect(parts.at(-1)?.values).toEqual([0, 21, 0]);
});

test('a range begins with a whole hour or day', () => {
  const now = Date.UTC(2030, 0, 31, 10, 20);
  expect(beginning(1, 'hour', now)).toBe('2030-01-30T10:00:00.000Z');
  expect(beginning(30, 'day', now)).toBe('2030-01-01T00:00:00.000Z');
});

test('rows add up', () => {
  const rows = [row({ user: '1', user_name: 'ada' }), row({ user: '1', user_name: 'ada', errors: 1 })];
  expect(sums(rows, 'user')).toEqual([
    { name: 'ada', requests: 2, errors: 1, prompt: 20, cached: 4, completion: 10, cost: 1 },
  ]);
  expect(sums([], 'user')).toEqual([]);
});
