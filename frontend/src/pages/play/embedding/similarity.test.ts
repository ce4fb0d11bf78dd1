import { expect, test } from 'vitest';
import { closest, cosine, level, matrix } from './similarity';

test('cosine', () => {
  expect(cosine([1, 0], [2, 0])).toBe(1);
  expect(cosine([1, 0], [0, 3])).toBe(0);
  expect(cosine([1, 0], [-1, 0])).toBe(-1);
  expect(cosine([1, 1], [1, 0])).toBeCloseTo(Math.SQRT1_2);
  expect(cosine([0, 0], [1, 0])).toBe(0);
});

test('the closest pair, and grounds between least and most', () => {
  const all = matrix([
    [1, 0],
    [0, 1],
    [1, 0.1],
  ]);
  expect(closest(all)).toEqual([0, 2]);
  expect(closest([[1]])).toBeNull();
  expect([0.5, 0.65, 0.75, 1].map((value) => level(value, 0.5, 1))).toEqual([0, 1, 2, 4]);
  expect(level(1, 1, 1)).toBe(4);
});
