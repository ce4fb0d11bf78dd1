import { expect, test } from 'vitest';
import { differences } from './difference';

test('what was there before and after stands side by side', () => {
  expect(differences({ role: 'viewer', n: 1 }, { role: 'owner', n: 1 })).toEqual([
    { name: 'n', before: '1', after: '1', changed: false },
    { name: 'role', before: 'viewer', after: 'owner', changed: true },
  ]);
});

test('what was made had nothing before, what was removed has nothing after', () => {
  expect(differences(null, { a: [1] })).toEqual([{ name: 'a', before: '', after: '[1]', changed: true }]);
  expect(differences({ a: '' }, undefined)[0]?.after).toBe('');
  expect(differences(null, null)).toEqual([]);
});
