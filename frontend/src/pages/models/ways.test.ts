import { expect, test } from 'vitest';
import type { WayLine } from '@/api/schema';
import { chosenWay } from './ways';

const way = (size: string, quantization: string, more: Partial<WayLine> = {}): WayLine => ({
  size,
  active: '',
  format: 'ggufv2',
  quantization,
  usual: quantization === 'Q4_K_M',
  bytes: 1,
  rough: true,
  engines: ['llama.cpp'],
  memory: 1,
  on_devices: 0,
  fits: true,
  reason: '',
  reasons: [],
  sources: [],
  nodes: [],
  ...more,
});
const nobody = { size: '', format: '', quantization: '' };
const ways = [
  way('0.6', 'Q8_0'),
  way('0.6', 'Q4_K_M'),
  way('8', 'Q4_K_M'),
  way('8', 'Q8_0'),
  way('32', 'Q4_K_M', { fits: false }),
];

test('nobody chose: the largest that fits, in its usual quantization', () => {
  expect(chosenWay(ways, nobody)).toBe(ways[2]);
  expect(chosenWay([way('1', 'x', { fits: false, engines: [] })], nobody)?.size).toBe('1');
  expect(chosenWay([], nobody)).toBeUndefined();
});

test('what was chosen is kept, though it does not fit; what is not there is nothing', () => {
  expect(chosenWay(ways, { ...nobody, size: '32' })).toBe(ways[4]);
  expect(chosenWay(ways, { ...nobody, size: '0.6', quantization: 'Q8_0' })).toBe(ways[0]);
  expect(chosenWay(ways, { ...nobody, size: '99' })).toBeUndefined();
});
