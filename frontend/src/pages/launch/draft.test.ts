import { expect, test } from 'vitest';
import type { LaunchDetail } from '@/api/schema';
import { choiceOf, draftOf, NEW, nameFor, orderOf } from './draft';
import { launchSearch, readSource, writeSource } from './search';

const chosen = (some: object) => launchSearch({ ...some });

test('what is as usual is left out of the order', () => {
  const order = orderOf(chosen({ kind: 'llm', name: 'qwen2.5-instruct', size: 0.5 }), NEW);
  expect(order).toEqual({ uid: 'qwen2.5-instruct', family: 'qwen2.5-instruct', kind: 'llm', size: '0.5' });
});

test('a repository is a family of its hub; with a revision it is a source', () => {
  expect(orderOf(chosen({ source: 'modelscope:o/n' }), NEW)).toEqual({
    uid: 'n',
    family: 'o/n',
    hub: 'modelscope',
  });
  expect(orderOf(chosen({ source: 'o/n@v1' }), NEW).source).toEqual({
    hub: 'huggingface',
    id: 'o/n',
    revision: 'v1',
  });
  expect(writeSource(readSource('huggingface:o/n@v1'))).toBe('huggingface:o/n@v1');
});

test('bounds, places and pairs become what the server takes', () => {
  const order = orderOf(chosen({ path: '/models/a b.gguf' }), {
    ...NEW,
    least: 0,
    most: 0,
    labels: ['zone=a=b'],
    count: 'none',
    variables: ['TOKEN'],
    idle: 60,
  });
  expect(order).toEqual({
    uid: 'a-b',
    model_path: '/models/a b.gguf',
    min_replicas: 0,
    max_replicas: 1,
    idle_seconds: 60,
    placement: { labels: { zone: 'a=b' }, count: null },
    environment: { TOKEN: '' },
  });
});

test('names are such as a launch may have', () => {
  expect(nameFor(chosen({ path: '/x/.hidden model.GGUF/' }))).toBe('hidden-model');
});

test('a launch again is the same order', () => {
  const launch = {
    uid: 'm',
    kind: 'llm',
    family: 'qwen',
    size: '7',
    format: 'ggufv2',
    quantization: 'q4',
    engine: 'llama.cpp',
    source: { hub: 'huggingface', id: 'o/n' },
    model_path: '',
    slots: 4,
    context_length: null,
    options: { a: 1 },
    adapters: [],
    packages: [],
    trust_remote_code: false,
    min_replicas: 1,
    max_replicas: 3,
    idle_seconds: null,
    pinned: true,
    prewarm: false,
    shared: false,
    placement: { count: null },
    launch_anyway: false,
  } as unknown as LaunchDetail;
  expect(orderOf({ ...choiceOf(launch), from: 'm' }, draftOf(launch))).toEqual({
    uid: 'm',
    kind: 'llm',
    family: 'qwen',
    size: '7',
    format: 'ggufv2',
    quantization: 'q4',
    engine: 'llama.cpp',
    slots: 4,
    options: { a: 1 },
    min_replicas: 1,
    max_replicas: 3,
    pinned: true,
    placement: { count: null },
  });
});
