import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { quoted, SAMPLES, sample, type Way, wayOf } from './samples';

const called = (way: Way) => ({ base: 'http://gpu:9997', uid: 'qwen:fr', key: "xp-it's", way });

test.each(['chat', 'completion', 'embedding'] as const)(
  'every sample of %s names address, model and key',
  (way) => {
    for (const name of SAMPLES) {
      const text = sample(name, called(way));
      expect(text, name).toContain('http://gpu:9997/v1');
      expect(text, name).toContain('qwen:fr');
      expect(text.replaceAll("'\\''", "'"), name).toContain("xp-it's");
    }
  },
);

test('a shell hands on exactly what was quoted', () => {
  const words = sample('curl', called('chat')).replace('curl ', "printf '%s\\0' ");
  const said = execFileSync('/bin/sh', ['-c', words]).toString().split('\0');
  expect(said[2]).toBe("Authorization: Bearer xp-it's");
  expect(JSON.parse(said.at(-2) ?? '')).toMatchObject({ model: 'qwen:fr' });
  expect(quoted('plain')).toBe("'plain'");
});

test('what is called goes by what the model can do', () => {
  expect(wayOf({ kind: 'llm', abilities: ['completion', 'chat'] })).toBe('chat');
  expect(wayOf({ kind: 'embedding', abilities: [] })).toBe('embedding');
  expect(wayOf({ kind: 'rerank', abilities: ['rerank'] })).toBeNull();
});
