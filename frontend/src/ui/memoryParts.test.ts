import { expect, test } from 'vitest';
import { divide } from './memoryParts';

test('what fits fills its share', () => {
  const { parts, free, over, end } = divide(100, [
    { label: 'weights', bytes: 40 },
    { label: 'nothing', bytes: 0 },
    { label: 'cache', bytes: 10 },
  ]);
  expect(parts.map((part) => [part.label, part.percent])).toEqual([
    ['weights', 40],
    ['cache', 10],
  ]);
  expect([free, over, end]).toEqual([50, 0, 100]);
});

test('a segment that crosses the end is cut there', () => {
  const { parts, free, over, end } = divide(100, [
    { label: 'others', bytes: 80 },
    { label: 'weights', bytes: 60 },
    { label: 'cache', bytes: 60 },
  ]);
  expect(parts.map((part) => [part.label, part.bytes, part.isOver])).toEqual([
    ['others', 80, false],
    ['weights', 20, false],
    ['weights', 40, true],
    ['cache', 60, true],
  ]);
  expect([free, over, end]).toEqual([0, 100, 50]);
  expect(parts.reduce((sum, part) => sum + part.percent, 0)).toBeCloseTo(100);
});

test('a device that tells no size has room for nothing', () => {
  expect(divide(0, [])).toEqual({ parts: [], used: 0, free: 0, over: 0, end: 0 });
  expect(divide(0, [{ label: 'weights', bytes: 5 }]).over).toBe(5);
});
