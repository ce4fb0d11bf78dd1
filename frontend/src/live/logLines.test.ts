import { expect, test } from 'vitest';
import type { Log } from '@/api/schema';
import { continued, found, plain } from './logLines';

const answer = (lines: string[], offset: number, more: Partial<Log> = {}): Log => ({
  lines,
  offset,
  size: offset,
  folder: 'control_1',
  file: 'log',
  node: 'n',
  replica: null,
  ...more,
});

test('a log goes on where it was, and drops what is too old', () => {
  const first = continued(null, answer(['a', 'b'], 4));
  const more = continued(first, answer(['c'], 6), 2);
  expect(more).toMatchObject({ lines: ['b', 'c'], dropped: 1, offset: 6 });
  expect(continued(more, answer([], 6))).toBe(more);
});

test('another process, or a file that was put aside, begins anew', () => {
  const first = continued(null, answer(['a', 'b'], 40));
  expect(continued(first, answer(['x'], 2, { folder: 'control_2' })).lines).toEqual(['x']);
  expect(continued(first, answer(['y'], 2))).toMatchObject({ lines: ['y'], offset: 2 });
});

test('colours of terminals are left out, and texts are found', () => {
  expect(plain('\u001b[1;31mred\u001b[0m')).toBe('red');
  expect(found(['Error one', 'fine', 'an ERROR'], 'error')).toEqual([0, 2]);
  expect(found(['a'], '')).toEqual([]);
});
