import { expect, test } from 'vitest';
import type { Estimate, Node } from '@/api/schema';
import { barsOf } from './bars';
import { NEW } from './draft';

const card = (id: string, used: number) => ({
  id,
  kind: 'cuda',
  name: 'H200',
  memory_total: 100,
  memory_used: used,
});
const node = (name: string, more: object = {}) =>
  ({
    name,
    state: 'up',
    cordoned: false,
    labels: {},
    devices: { devices: [{ id: 'cpu', kind: 'cpu' }], memory_total: 200, memory_available: 150 },
    ...more,
  }) as unknown as Node;
const gpu = node('gpu', {
  devices: { devices: [card('cuda:0', 10), card('cuda:1', 95)], memory_total: 200, memory_available: 150 },
  labels: { zone: 'a' },
});
const estimate = { device: 40, host: 20, total: 60 } as Estimate;

test('with accelerators it is they that are filled, without the machine', () => {
  const shown = barsOf([gpu, node('cpu')], estimate, NEW).map((one) => [one.id, one.more, one.fits]);
  expect(shown).toEqual([
    ['gpu/cuda:0', 40, true],
    ['gpu/cuda:1', 40, false],
    ['cpu', 60, true],
  ]);
});

test('where it may not go is not shown', () => {
  const ids = (place: object) =>
    barsOf([gpu, node('cpu')], estimate, { ...NEW, ...place }).map((one) => one.id);
  expect(ids({ labels: ['zone=a'], devices: ['cuda:1'] })).toEqual(['gpu/cuda:1']);
  expect(ids({ count: 'none' })).toEqual(['gpu', 'cpu']);
  expect(ids({ nodes: ['cpu'] })).toEqual(['cpu']);
  expect(barsOf([node('x', { cordoned: true })], estimate, NEW)).toEqual([]);
  expect(barsOf([gpu], estimate, { ...NEW, count: 2 })[0]?.more).toBe(20);
});
