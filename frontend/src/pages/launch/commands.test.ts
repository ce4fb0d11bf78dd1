import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { NewLaunchRequest } from '@/api/schema';
import { asCommand, asCurl } from './commands';
import cases from './commands.cases.json';

test.each(cases)('$name', ({ order, command }) => {
  expect(asCommand(order as NewLaunchRequest)).toEqual({ text: command.join('\n'), without: [] });
});

test('what the command has no flag for is told', () => {
  const order = {
    uid: 'm',
    adapters: [{ name: 'fr', source: { hub: 'huggingface', id: 'o/n' } }],
    placement: { devices: ['tpu'] },
  } as NewLaunchRequest;
  expect(asCommand(order).without).toEqual(['adapters.fr', 'placement.devices']);
});

test('curl sends exactly the order', () => {
  const order = { uid: 'm', family: "it's", options: { cls_sep: '\t"$HOME"' } } as NewLaunchRequest;
  const sent = (text: string) => {
    const words = execFileSync('/bin/sh', ['-c', text.replace('curl ', "printf '%s\\0' ")], {
      env: { XPLATFORM_API_KEY: 'xp-key' },
    });
    return words.toString().split('\0').slice(0, -1);
  };
  const words = sent(asCurl(order, 'http://gpu:9997'));
  expect(words[0]).toBe('http://gpu:9997/api/launches');
  expect(words[2]).toBe('Authorization: Bearer xp-key');
  expect(JSON.parse(words.at(-1) ?? '')).toEqual(order);
  const again = sent(asCurl(order, 'http://gpu:9997', 'a:b'));
  expect(again[0]).toBe('http://gpu:9997/api/launches/a%3Ab/relaunch');
  expect(JSON.parse(again.at(-1) ?? '')).not.toHaveProperty('uid');
});
