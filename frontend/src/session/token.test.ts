import { expect, test, vi } from 'vitest';
import { TokenOfPage } from './token';

function made() {
  let now = 0;
  let count = 0;
  const ask = vi.fn(async () => {
    count += 1;
    return { access_token: `token ${count}`, token_type: 'bearer', expires_in: 100 };
  });
  const token = new TokenOfPage(ask, () => now);
  return { token, ask, at: (ms: number) => (now = ms) };
}

test('one request for all who ask at once, and none while it is fresh', async () => {
  const { token, ask, at } = made();
  expect(await Promise.all([token.get(), token.get()])).toEqual(['token 1', 'token 1']);
  at(49_999);
  expect(await token.get()).toBe('token 1');
  expect(ask).toHaveBeenCalledTimes(1);
});

test('it is renewed at half of its life, and when it was refused', async () => {
  const { token, at } = made();
  await token.get();
  at(50_000);
  expect(await token.get()).toBe('token 2');
  token.forget('token 1');
  expect(await token.get()).toBe('token 2');
  token.forget('token 2');
  expect(await token.get()).toBe('token 3');
});

test('a failure is told to who asked, and the next one asks again', async () => {
  const ask = vi
    .fn()
    .mockRejectedValueOnce(new Error('away'))
    .mockResolvedValueOnce({ access_token: 'one', token_type: 'bearer', expires_in: 1 });
  const token = new TokenOfPage(ask);
  await expect(token.get()).rejects.toThrow('away');
  expect(await token.get()).toBe('one');
});
