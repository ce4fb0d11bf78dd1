import { expect, test } from 'vitest';
import en from './locales/en.json';

type Texts = { [key: string]: string | Texts };
const files = import.meta.glob<{ default: Texts }>('./locales/*.json', { eager: true });

function flat(texts: Texts, before = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(texts)) {
    if (typeof value === 'string') all.set(before + key, value);
    else for (const [inner, text] of flat(value, `${before}${key}.`)) all.set(inner, text);
  }
  return all;
}

/** Plural forms differ between languages: `_one` is no word of Chinese. */
const stem = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');
const places = (text: string) =>
  [...new Set(text.match(/\{\{\s*[\w]+/g) ?? [])].map((one) => one.replace(/\W/g, '')).sort();

for (const [path, { default: texts }] of Object.entries(files)) {
  test(`${path} has every text, with the places of the English one`, () => {
    const english = flat(en as Texts);
    const other = flat(texts);
    expect(new Set([...other.keys()].map(stem))).toEqual(new Set([...english.keys()].map(stem)));
    for (const [key, text] of other) {
      expect(text.trim(), key).not.toBe('');
      const same = english.get(key) ?? english.get(`${stem(key)}_other`) ?? '';
      if (key.endsWith('_one')) continue;
      expect(places(text), key).toEqual(places(same));
    }
  });
}
