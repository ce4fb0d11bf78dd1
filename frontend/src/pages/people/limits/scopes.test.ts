import { expect, test } from 'vitest';
import type { Limit } from '@/api/schema';
import { asRequest, isOf, type Values } from './scopes';

const values: Values = {
  kind: 'requests_per_minute',
  amount: 60,
  scope: 'user',
  whom: 'each',
  subject: 'ada',
  project: 'lab',
  model: '',
  note: ' ',
};

test('each one for itself is a star, and everybody together is nobody by name', () => {
  expect(asRequest(values)).toMatchObject({ subject: '*', project: 'lab', model: '*', note: '' });
  expect(asRequest({ ...values, whom: 'one' })).toMatchObject({ subject: 'ada' });
  expect(asRequest({ ...values, scope: 'everyone' })).toMatchObject({ subject: '', project: '' });
  expect(asRequest({ ...values, scope: 'project', whom: 'one', subject: 'lab' })).toMatchObject({
    subject: 'lab',
    project: '',
  });
});

test('a project sees what is about it', () => {
  const limit = { scope: 'user', subject: 'ada', project: 'lab' } as Limit;
  expect(isOf(limit, 'lab')).toBe(true);
  expect(isOf(limit, 'other')).toBe(false);
  expect(isOf({ ...limit, scope: 'project', subject: '*', project: '' }, 'lab')).toBe(true);
  expect(isOf({ ...limit, scope: 'project', subject: 'red', project: '' }, 'lab')).toBe(false);
});
