import { expect, test } from 'vitest';
import type { Launch, Me } from '@/api/schema';
import { isOurs, memoryOf, nodesOf, readyOf, replicaRows, wantedLaunches, wantedReplicas } from './rows';

const replica = (id: string, state: string, node: string, memory: number) => ({
  id,
  state,
  node,
  memory,
  memory_peak: 0,
  devices: ['cpu'],
  message: '',
});
const launch = (uid: string, more: object = {}) =>
  ({
    uid,
    family: '',
    engine: 'llama.cpp',
    kind: 'llm',
    state: 'ready',
    requested_by: '',
    reason: '',
    project: 'a',
    origin: 'launch',
    built_in: false,
    min_replicas: 1,
    replicas: [],
    ...more,
  }) as unknown as Launch;

const big = launch('big', {
  replicas: [
    replica('1', 'ready', 'n1', 5),
    replica('2', 'loading', 'n2', 7),
    replica('3', 'failed', 'n3', 9),
  ],
});
const small = launch('small', { kind: 'embedding', state: 'failed', reason: 'no such file' });

test('ended replicas are no memory and no node of a launch', () => {
  expect([memoryOf(big), nodesOf(big), readyOf(big)]).toEqual([12, ['n1', 'n2'], 1]);
});

test('all that is said has to fit', () => {
  const found = (search: object) => wantedLaunches([big, small], search).map((one) => one.uid);
  expect(found({})).toEqual(['big', 'small']);
  expect(found({ q: 'SUCH small' })).toEqual(['small']);
  expect(found({ q: 'small', kind: 'llm' })).toEqual([]);
  expect(found({ node: 'n2' })).toEqual(['big']);
  expect(found({ state: 'failed' })).toEqual(['small']);
  expect(wantedReplicas(replicaRows([big, small]), { state: 'loading' }).map((row) => row.id)).toEqual(['2']);
  expect(wantedReplicas(replicaRows([big]), { q: 'big n3' }).map((row) => row.id)).toEqual(['3']);
});

test('what another project shares is not changed from here', () => {
  const me = (project: string) => ({ project }) as Me;
  expect([isOurs(big, me('a')), isOurs(big, me('b')), isOurs(big, me('')), isOurs(big, undefined)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
