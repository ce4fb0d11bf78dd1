import { expect, test } from 'vitest';
import { at, emptyDraft, fieldOf, NoObject, placeOf, understood, withAt, written } from './draft';

test('a draft survives both notations, unknown fields too', async () => {
  const draft = {
    ...emptyDraft(),
    name: 'm',
    engine_options: { '*': { a: [1, null, true] } },
    chat: 'a\nb: c\n',
  };
  for (const notation of ['json', 'yaml'] as const)
    expect(await understood(await written(draft, notation), notation)).toEqual(draft);
});

test('text that is none says so', async () => {
  await expect(understood('{"a": ', 'json')).rejects.toThrow();
  await expect(understood('a: [1', 'yaml')).rejects.toThrow();
  await expect(understood('[1]', 'json')).rejects.toThrow(NoObject);
  await expect(understood('just words', 'yaml')).rejects.toThrow(NoObject);
});

test('a change goes to its place and leaves the rest as it is', () => {
  const draft = { name: 'm', specs: [{ format: 'awq' }, { format: 'mlx' }], extra: 1 };
  const changed = withAt(draft, ['specs', 1, 'repositories', 0, 'id'], 'a/b');
  expect(changed).toEqual({
    ...draft,
    specs: [{ format: 'awq' }, { format: 'mlx', repositories: [{ id: 'a/b' }] }],
  });
  expect(draft.specs[1]).toEqual({ format: 'mlx' });
  expect(withAt(changed, ['specs', 1, 'repositories', 0, 'id'], '').specs[1]).toEqual({
    format: 'mlx',
    repositories: [{}],
  });
  expect(withAt({ abilities: ['chat'] }, ['abilities'], [])).toEqual({});
  expect(at(changed, ['specs', 1, 'format'])).toBe('mlx');
  expect(at(changed, ['specs', 7, 'format'])).toBeUndefined();
});

test("the server's names of fields", () => {
  for (const field of ['name', 'specs[0].repositories[12].id', 'engine_options.vllm'])
    expect(fieldOf(placeOf(field))).toBe(field);
  expect(placeOf('specs[0].id')).toEqual(['specs', 0, 'id']);
});
