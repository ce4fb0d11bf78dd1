import { expect, test } from 'vitest';
import { asFilter, read } from './search';

test('what nobody asked for is not sent', () => {
  expect(asFilter(read({}))).toEqual({});
  expect(asFilter(read({ who: 'ada', outcome: 'nonsense' }))).toEqual({ who: 'ada' });
});

test('the last day is part of the search', () => {
  const { since, until } = asFilter(read({ since: '2030-01-01', until: '2030-01-01' }));
  expect(Date.parse(until ?? '') - Date.parse(since ?? '')).toBe(86_400_000);
});

test('a text may have spaces; those around a word are not asked for', () => {
  expect(read({ text: 'two words ' }).text).toBe('two words ');
  expect(asFilter(read({ text: ' two words ', who: ' ' }))).toEqual({ text: 'two words' });
});
