import { expect, test } from 'vitest';
import { levelOf, NOTHING, withChunk } from './completed';

const chunk = (
  text: string,
  logprobs: object | null,
  finish: string | null = null,
  usage: object | null = null,
) => ({ choices: [{ index: 0, text, logprobs, finish_reason: finish }], usage }) as never;

test('tokens have their probabilities and what else there could have been', () => {
  const half = Math.log(0.5);
  let done = withChunk(
    NOTHING,
    chunk('a b', {
      tokens: ['a', ' b'],
      token_logprobs: [null, half],
      top_logprobs: [null, { ' c': Math.log(0.25), ' b': half }],
      text_offset: [0, 1],
    }),
    1,
  );
  done = withChunk(
    done,
    chunk('!', { tokens: ['!'], token_logprobs: [0], top_logprobs: null, text_offset: [3] }, 'stop'),
    3,
  );
  done = withChunk(done, { choices: [], usage: { prompt_tokens: 1, completion_tokens: 3 } } as never, 4);
  expect(done.text).toBe('a b!');
  expect(done.tokens.map((token) => token.probability)).toEqual([null, 0.5, 1]);
  expect(done.tokens[1]?.others.map((other) => other.text)).toEqual([' b', ' c']);
  expect(done).toMatchObject({ finish: 'stop', firstAfter: 1, endedAfter: 3, usage: { completion: 3 } });
});

test('levels', () => {
  expect([null, 0, 0.1, 0.5, 0.6, 0.95, 1].map(levelOf)).toEqual([null, 0, 1, 2, 3, 4, 4]);
});
