import { expect, test } from 'vitest';
import { blocksOf } from './blocks';

const PIECES = [
  '# Title\n',
  'One.\nTwo.\n\n- a\n\n- b\n\n  still b\n\n1. first\n\n2. second\n',
  '```md\n# no title\n\nin code ```\n````\n\n> said\n\n> said again\n',
  '~~~\n\n```\n\nx\n~~~\n',
  'a `b` ```c``` d\n',
  'End.',
];

test('a text is cut where nothing goes on', () => {
  expect(blocksOf(PIECES.join('\n'))).toEqual(PIECES);
  expect(blocksOf('')).toEqual(['']);
});

test('what is complete stays as it is while the text grows', () => {
  const whole = PIECES.join('\n');
  for (let end = 0; end < whole.length; end += 1) {
    const blocks = blocksOf(whole.slice(0, end));
    expect(blocks.join('\n')).toBe(whole.slice(0, end));
    expect(blocks.slice(0, -1)).toEqual(PIECES.slice(0, blocks.length - 1));
  }
});

test('a definition counts everywhere, so nothing is cut', () => {
  const text = 'See [it].\n\nMore.\n\n[it]: https://example.org';
  expect(blocksOf(text)).toEqual([text]);
});
