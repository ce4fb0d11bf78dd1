import { expect, test } from 'vitest';
import type { WayLine } from '@/api/schema';
import { choosable } from './ways';

const way = (
  size: string,
  format: string,
  quantization: string,
  engines: string[],
  memory: number,
  fits = true,
) =>
  ({
    size,
    format,
    quantization,
    engines,
    memory,
    fits,
    reason: engines.length ? (fits ? '' : 'too big') : 'no GPU',
    reasons: [] as WayLine['reasons'],
  }) as WayLine;

const ways = [
  way('72', 'ggufv2', 'q4', ['llama.cpp'], 50, false),
  way('7', 'awq', 'int4', [], 0, false),
  way('7', 'ggufv2', 'q8', ['llama.cpp'], 9),
  way('7', 'ggufv2', 'q4', ['llama.cpp'], 5),
];

test('a value is as good as the best of its forms, and says why it cannot be had', () => {
  expect(choosable(ways, 'size', {}).map((one) => [one.value, one.fits, one.memory])).toEqual([
    ['7', true, 5],
    ['72', false, 50],
  ]);
  const formats = choosable(ways, 'format', { size: '7' });
  expect(formats.find((one) => one.value === 'awq')).toMatchObject({ runs: false, reason: 'no GPU' });
  expect(formats.find((one) => one.value === 'ggufv2')).toMatchObject({ runs: true, fits: true });
});

test('what else is chosen narrows it', () => {
  expect(choosable(ways, 'quantization', { size: '7', format: 'awq' }).map((one) => one.value)).toEqual([
    'int4',
  ]);
});
