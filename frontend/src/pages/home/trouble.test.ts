import { expect, test } from 'vitest';
import type { Attention } from '@/api/schema';
import { healthOf, wayTo } from './trouble';

const of = (kind: Attention['thing']['kind'], severity: Attention['severity'] = 'warning'): Attention => ({
  code: 'launch_failed',
  severity,
  message: '',
  reason: null,
  thing: { kind, name: 'a b', node: 'n/1' },
  since: null,
});

test('each trouble leads to its thing', () => {
  expect(wayTo(of('launch'))).toEqual({ to: '/running/$uid', params: { uid: 'a b' } });
  expect(wayTo(of('node'))).toEqual({ to: '/nodes/$name', params: { name: 'n/1' } });
  expect(wayTo(of('device'))).toEqual({ to: '/nodes/$name', params: { name: 'n/1' } });
  expect(wayTo(of('disk')).to).toBe('/files');
  expect(wayTo(of('cluster')).to).toBe('/nodes');
});

test('the worst one counts', () => {
  expect(healthOf([])).toBe('well');
  expect(healthOf([of('disk')])).toBe('warning');
  expect(healthOf([of('disk'), of('launch', 'error')])).toBe('error');
});
