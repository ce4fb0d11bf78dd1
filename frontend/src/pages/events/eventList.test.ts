import { expect, test } from 'vitest';
import type { LoggedEvent } from '@/api/schema';
import { filtered, isChosen, merged } from './eventList';

const event = (id: number, more: Partial<LoggedEvent> = {}): LoggedEvent => ({
  id,
  at: '2026-01-01T00:00:00Z',
  who: 'control',
  uid: 'm',
  subject: 'replica 1',
  node: 'n',
  replica: 'r',
  project: 'default',
  before: 'loading',
  after: 'ready',
  why: '',
  why_told: null,
  ...more,
});
const ids = (events: readonly LoggedEvent[]) => events.map((one) => one.id);

test('events stand newest first, each once, and the oldest go', () => {
  const kept = merged([], [event(1), event(2)]);
  expect(ids(kept)).toEqual([2, 1]);
  expect(ids(merged(kept, [event(3), event(4)]))).toEqual([4, 3, 2, 1]);
  expect(ids(merged(kept, [event(2), event(3)]))).toEqual([3, 2, 1]);
  expect(ids(merged([event(9)], [event(7), event(8)]))).toEqual([9, 8, 7]);
  expect(ids(merged(kept, [event(3)], 2))).toEqual([3, 2]);
  expect(merged(kept, [])).toBe(kept);
});

test('a choice takes what the server would send', () => {
  expect(isChosen(event(1), {})).toBe(true);
  expect(isChosen(event(1), { model: 'm', node: 'n', replica: 'r' })).toBe(true);
  expect(isChosen(event(1), { model: 'other' })).toBe(false);
  expect(isChosen(event(1, { replica: null }), { replica: 'r' })).toBe(false);
});

test('filters are of kind, words and trouble', () => {
  const all = [
    event(1),
    event(2, { subject: 'launch', after: 'failed', why: 'Out of memory on cuda:0' }),
    event(3, { subject: 'node n', uid: '' }),
  ];
  expect(ids(filtered(all, { kind: 'replica' }))).toEqual([1]);
  expect(ids(filtered(all, { kind: 'node' }))).toEqual([3]);
  expect(ids(filtered(all, { bad: true }))).toEqual([2]);
  expect(ids(filtered(all, { text: 'MEMORY cuda' }))).toEqual([2]);
  expect(filtered(all, { text: ' ' })).toBe(all);
});
