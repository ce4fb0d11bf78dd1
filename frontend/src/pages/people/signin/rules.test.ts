import { expect, test } from 'vitest';
import { asRows, asRules, emptyRow } from './rules';

test('a rule comes back as it was', () => {
  const rules = [
    { claim: 'groups', value: 'ops-*', superuser: true },
    { claim: 'groups', value: 'lab', role: 'viewer' as const, project: 'lab' },
  ];
  expect(asRules(asRows(rules))).toEqual(rules);
});

test('what was begun and not filled in is no rule', () => {
  expect(asRules([emptyRow()])).toEqual([]);
});
