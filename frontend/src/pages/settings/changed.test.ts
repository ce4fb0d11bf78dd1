import { expect, test } from 'vitest';
import { changed } from './changed';

test('only what is another value is sent', () => {
  const before = { name: 'a', kinds: ['x.y'], active: true };
  expect(changed(before, { ...before, kinds: ['x.y'] })).toEqual({});
  expect(changed(before, { ...before, kinds: [], active: false })).toEqual({ kinds: [], active: false });
});
