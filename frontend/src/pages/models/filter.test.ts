import { expect, test } from 'vitest';
import type { FamilyLine } from '@/api/schema';
import { choices, entries, filtered, range } from './filter';
import { readFilters } from './search';

const line = (name: string, more: Partial<FamilyLine> = {}): FamilyLine => ({
  kind: 'llm',
  name,
  description: '',
  abilities: ['chat'],
  context_length: null,
  languages: [],
  licence: '',
  sizes: ['7'],
  formats: ['ggufv2'],
  registered: null,
  here: { engine: '', sizes: [], memory: 0, fits: false, reason: 'why not', reasons: [] },
  cached: false,
  ...more,
});
const runs = { engine: 'llama.cpp', sizes: ['7'], memory: 1, fits: true, reason: '', reasons: [] };
const all = entries([
  line('zephyr', { description: 'Like Qwen, but other.' }),
  line('qwen3', { abilities: ['chat', 'tools'], sizes: ['0.6', '235'], licence: 'apache-2.0' }),
  line('my-qwen', { here: runs, cached: true }),
  line('bge', { kind: 'embedding', abilities: ['embed'], sizes: [] }),
]);
const names = (search: Record<string, unknown>) =>
  filtered(all, readFilters(search)).map((found) => found.name);

test('every word has to be somewhere; names that begin so come first', () => {
  expect(names({ q: 'qwen' })).toEqual(['qwen3', 'my-qwen', 'zephyr']);
  expect(names({ q: 'qwen other' })).toEqual(['zephyr']);
  expect(names({ q: 'nothing' })).toEqual([]);
});

test('filters narrow together', () => {
  expect(names({ kind: 'embedding' })).toEqual(['bge']);
  expect(names({ ability: 'tools' })).toEqual(['qwen3']);
  expect(names({ licence: 'apache-2.0', q: 'q' })).toEqual(['qwen3']);
  expect(names({ here: true })).toEqual(['my-qwen']);
  expect(names({ cached: true, kind: 'embedding' })).toEqual([]);
  expect(names({ size: 'giant' })).toEqual(['qwen3']);
  expect(names({ size: 'medium' })).toEqual(['my-qwen', 'zephyr']);
  expect(names({ mine: true })).toEqual([]);
});

test('what an address says wrongly counts as nothing', () => {
  expect(readFilters({ kind: 'car', size: 7, here: 'yes', q: {} })).toEqual(readFilters({}));
});

test('what runs here comes first where nothing is searched, then language models', () => {
  expect(names({})).toEqual(['my-qwen', 'qwen3', 'zephyr', 'bge']);
});

test('choices are counted', () => {
  const lines = all.map((entry) => entry.line);
  expect(choices(lines, (one) => one.abilities)).toEqual([
    { value: 'chat', count: 3 },
    { value: 'embed', count: 1 },
    { value: 'tools', count: 1 },
  ]);
  expect([range([]), range(['7']), range(['0.6', '8', '235'])]).toEqual(['', '7', '0.6–235']);
});

test('two thousand families are searched in far less than a blink', () => {
  const many = entries(
    Array.from({ length: 2000 }, (_, at) => line(`model-${at}`, { description: 'x'.repeat(200) })),
  );
  expect(filtered(many, readFilters({ q: 'model 199' }))).toHaveLength(12);
});
