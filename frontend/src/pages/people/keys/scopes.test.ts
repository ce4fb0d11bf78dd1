import { expect, test } from 'vitest';
import type { Key } from '@/api/schema';
import { choices, endsSoon, expiry, matches, reached } from './scopes';

test('globs are compared as the server compares them', () => {
  expect(matches('qwen*', 'qwen3-8b')).toBe(true);
  expect(matches('qwen*', 'Qwen3')).toBe(false);
  expect(matches('m.x', 'm-x')).toBe(false);
  expect(matches('m?', 'm1')).toBe(true);
  expect(matches('m[12]', 'm2')).toBe(true);
  expect(matches('m[!12]', 'm2')).toBe(false);
  expect(matches('a:*', 'a:fr')).toBe(true);
  expect(matches('[', '[')).toBe(true);
  expect(matches('m[z-a]', 'mb')).toBe(false);
});

test('without a glob a key reaches all', () => {
  expect(reached([], ['a', 'b'])).toEqual(['a', 'b']);
  expect(reached(['b'], ['a', 'b'])).toEqual(['b']);
});

test('what everybody has is no choice', () => {
  expect(choices(['models.use', 'public', 'self.read'])).toEqual(['models.use']);
});

test('a key ends when it is said to', () => {
  const now = new Date('2030-01-01T00:00:00Z');
  expect(expiry('never', '', now)).toBe(null);
  expect(expiry('30', '', now)).toBe('2030-01-31T00:00:00.000Z');
  expect(new Date(expiry('day', '2030-02-03', now) ?? '').getDate()).toBe(3);
  expect(expiry('day', '', now)).toBe(null);
});

test('who has a key that ends soon is told', () => {
  const key = { state: 'active', expires: '2030-01-05T00:00:00Z', valid_until: null } as Key;
  const now = Date.parse('2030-01-01T00:00:00Z');
  expect(endsSoon(key, now)).toBe(true);
  expect(endsSoon({ ...key, expires: null }, now)).toBe(false);
  expect(endsSoon({ ...key, state: 'revoked' }, now)).toBe(false);
});
