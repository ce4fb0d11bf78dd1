import { describe, expect, test } from 'vitest';
import { ago, bytes, count, money, percent, seconds } from './format';

describe('numbers have units', () => {
  test.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1536, '1.5 KiB'],
    [150 * 1024 ** 3, '150 GiB'],
    [-2048, '-2 KiB'],
    [Number.NaN, '–'],
    [null, '–'],
  ])('%s bytes are %s', (value, text) => expect(bytes(value, 'en')).toBe(text));

  test.each([
    [0.02, '20 ms'],
    [2.345, '2.3 sec'],
    [59.6, '1 min'],
    [90, '1 min 30 sec'],
    [3600, '1 hr'],
    [90_061, '1 day 1 hr'],
  ])('%s seconds are %s', (value, text) => expect(seconds(value, 'en')).toBe(text));

  test('large counts are short, in the language', () => {
    expect(count(1234.56, 'en')).toBe('1,235');
    expect(count(2_500_000, 'en')).toBe('2.5M');
    expect(count(2_500_000, 'zh')).toBe('250万');
    expect(percent(1, 3, 'en')).toBe('33%');
    expect(percent(1, 0, 'en')).toBe('–');
  });
});

test('times are told from now', () => {
  const now = Date.UTC(2026, 0, 2);
  const before = (sec: number) => new Date(now - sec * 1000);
  expect(ago(before(0), 'en', now)).toBe('now');
  expect(ago(before(59), 'en', now)).toBe('59 sec. ago');
  expect(ago(before(60), 'en', now)).toBe('1 min. ago');
  expect(ago(before(86_400), 'en', now)).toBe('yesterday');
  expect(ago(before(86_400 * 400), 'en', now)).toBe('last yr.');
});

test('money is in its currency, and what is no currency stands behind', () => {
  expect(money(1234.5, 'USD', 'en')).toBe('$1,234.50');
  expect(money(0.000123, 'USD', 'en')).toBe('$0.000123');
  expect(money(2, 'credits', 'en')).toBe('2 credits');
  expect(money(null, 'USD', 'en')).toBe('–');
});
