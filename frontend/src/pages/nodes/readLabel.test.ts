import { expect, test } from 'vitest';
import { readLabel } from './readLabel';

test.each([
  ['zone=a', { name: 'zone', value: 'a' }],
  [' fast ', { name: 'fast', value: '' }],
  ['a = b=c', { name: 'a', value: 'b=c' }],
  ['', null],
  ['=x', null],
])('%j is a label', (text, label) => expect(readLabel(text)).toEqual(label));
