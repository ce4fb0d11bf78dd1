import { expect, test } from 'vitest';
import type { Pulse } from '@/api/schema';
import { extended, latest, linesOf, numbersOf, type PulseMessage, rebased } from './lines';

const traffic = (requests: (number | null)[]) => ({ requests, tokens_out: requests }) as never;
const pulse = {
  step: 5,
  times: [5, 10],
  total: traffic([1, 2]),
  models: [{ model: 'm', project: 'p', ...(traffic([3, null]) as object) }],
  nodes: [
    { node: 'n', cpu: [7, 8], devices: [{ id: 'cuda:0', memory_used: [1, 2], utilization: [null, 4] }] },
  ],
} as unknown as Pulse;

test('the lines of all models, of one, and of a node with its devices', () => {
  expect(linesOf(pulse, {}).of.requests).toEqual([1, 2]);
  expect(linesOf(pulse, { model: 'm' }).of.requests).toEqual([3, null]);
  expect(linesOf(pulse, { node: 'n' })).toEqual({
    times: [5, 10],
    of: { cpu: [7, 8], 'cuda:0/memory_used': [1, 2], 'cuda:0/utilization': [null, 4] },
  });
  expect(linesOf(pulse, { node: 'gone' }).of).toEqual({});
});

test('what is pushed has the same names', () => {
  const message = {
    type: 'pulse',
    at: 12,
    total: { requests: 4 },
    models: [{ model: 'm', project: 'p', requests: 5 }],
    nodes: [{ node: 'n', cpu: 9, devices: [{ id: 'cuda:0', memory_used: 3, utilization: null }] }],
  } as unknown as PulseMessage;
  expect(numbersOf(message, {})).toEqual({ requests: 4 });
  expect(numbersOf(message, { model: 'm' })).toEqual({ requests: 5 });
  expect(numbersOf(message, { model: 'idle' })?.requests).toBe(0);
  expect(numbersOf(message, { node: 'n' })).toEqual({
    cpu: 9,
    'cuda:0/memory_used': 3,
    'cuda:0/utilization': null,
  });
  expect(numbersOf(message, { node: 'gone' })).toBeNull();
});

test('lines go on, forget what is old, and have gaps where nothing is told', () => {
  const lines = { times: [5, 10], of: { a: [1, 2] } };
  const more = extended(lines, 12, { b: 7 }, 8);
  expect(more).toEqual({ times: [10, 12], of: { a: [2, null], b: [null, 7] } });
  expect(latest(more, 'a')).toBe(2);
  expect(latest(more, 'none')).toBeNull();
  expect(extended(lines, 100, { a: 1 }, 50)).toEqual({ times: [100], of: { a: [1] } });
});

test('a fresh answer takes the place of what it covers', () => {
  const lines = { times: [10, 12, 17], of: { a: [2, 3, 4] } };
  expect(rebased({ times: [5, 10, 15], of: { a: [1, 2, 3] } }, lines)).toEqual({
    times: [5, 10, 15, 17],
    of: { a: [1, 2, 3, 4] },
  });
  expect(rebased({ times: [20], of: { a: [9] } }, lines).times).toEqual([20]);
});
