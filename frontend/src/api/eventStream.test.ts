import { describe, expect, test } from 'vitest';
import { EventStreamParser, readWaiting, type StreamItem } from './eventStream';

const STREAM =
  ': keep-alive\n\ndata: {"a":1}\n\ndata: two\ndata: lines\n\nevent: x\nid: 7\nretry: 1\n\n:no space\ndata:[DONE]\n\ndata\n\n';
const ITEMS: StreamItem[] = [
  { kind: 'comment', text: 'keep-alive' },
  { kind: 'data', data: '{"a":1}' },
  { kind: 'data', data: 'two\nlines' },
  { kind: 'comment', text: 'no space' },
  { kind: 'data', data: '[DONE]' },
  { kind: 'data', data: '' },
];

describe('the same items come', () => {
  for (const [name, end] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const) {
    const text = STREAM.replaceAll('\n', end);
    test(`with ${name}, in one piece`, () => expect(new EventStreamParser().push(text)).toEqual(ITEMS));
    test(`with ${name}, split anywhere`, () => {
      for (let size = 1; size < 9; size += 1) {
        const parser = new EventStreamParser();
        const found: StreamItem[] = [];
        for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
        expect(found).toEqual(ITEMS);
      }
    });
  }
});

test('what is not complete is kept back', () => {
  const parser = new EventStreamParser();
  expect(parser.push('data: half')).toEqual([]);
  expect(parser.push('')).toEqual([]);
  expect(parser.push(' a word\n')).toEqual([]);
  expect(parser.push('\n')).toEqual([{ kind: 'data', data: 'half a word' }]);
});

test('what a waiting stream says', () => {
  expect(readWaiting('waiting for demo: loading 40%, about 12 s left, position 3')).toEqual({
    model: 'demo',
    isBusy: false,
    progress: 0.4,
    secondsLeft: 12,
    position: 3,
  });
  expect(readWaiting('waiting for a: b: starting, position 1')).toEqual({
    model: 'a: b',
    isBusy: false,
    progress: null,
    secondsLeft: null,
    position: 1,
  });
  expect(readWaiting('waiting for m: all slots are busy, position 2')?.isBusy).toBe(true);
  expect(readWaiting('keep-alive')).toBeNull();
});
