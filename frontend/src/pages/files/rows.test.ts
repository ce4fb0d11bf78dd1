import { expect, test } from 'vitest';
import type { CachedFiles, NodeDownload } from '@/api/files';
import type { Files } from '@/api/schema';
import { cachedRows, downloadRows, freed, replicaUsing, totals, withoutNumbers } from './rows';

const download = (name: string, state: NodeDownload['state'], updated = 0): NodeDownload => ({
  id: name,
  state,
  hub: 'huggingface',
  name,
  revision: '',
  commit: '',
  path: '',
  done: 0,
  total: 0,
  speed: state === 'running' ? 5 : 0,
  remaining: null,
  line: '',
  error: null,
  files: [],
  waiters: [],
  created: 0,
  updated,
});
const cached = (name: string, size: number, linked = 0): CachedFiles => ({
  id: name,
  hub: 'huggingface',
  name,
  commit: '',
  revisions: [],
  path: '',
  size,
  partial: 1,
  linked,
  files: [],
  last_used: 0,
  created: 0,
  used_by: [],
  family: null,
});
const files: Files = {
  nodes: [
    {
      node: 'a',
      downloads: [
        download('acme/old', 'done', 1),
        download('acme/new', 'done', 2),
        download('x/y', 'running'),
      ],
      cached: [cached('acme/m', 10)],
      disk: { used: 10 },
    },
    { node: 'b', downloads: [], cached: [cached('acme/m', 10, 10)], disk: {} },
  ],
};
const all = { q: '', node: '' };

test('what is at work stands first, then the newest', () => {
  expect(downloadRows(files, all).map((row) => row.name)).toEqual(['x/y', 'acme/new', 'acme/old']);
  expect(downloadRows(files, { ...all, q: 'ACME old' }).map((row) => row.name)).toEqual(['acme/old']);
});

test('a node can be looked at alone', () => {
  expect(cachedRows(files, all).map((row) => row.node)).toEqual(['a', 'b']);
  expect(cachedRows(files, { ...all, node: 'b' }).map((row) => row.node)).toEqual(['b']);
});

test('removing files that others have frees nothing', () => {
  expect(cachedRows(files, all).map(freed)).toEqual([11, 1]);
});

test('whoever uses files is a replica, or said as it is', () => {
  expect(replicaUsing('m (replica 3f2a-1, epoch 4)')).toEqual({ uid: 'm', epoch: 4 });
  expect(replicaUsing('a backup')).toBeNull();
});

test('what is fetched is said without its numbers, what is wrong in full', () => {
  expect(withoutNumbers('downloading a 2.gguf and 2 more 0.6 of 12.6 MB, 1 MB/s')).toBe(
    'downloading a 2.gguf and 2 more',
  );
  expect(withoutNumbers('downloading a.gguf: refused, tried again in 2 s')).toContain('in 2 s');
});

test('all nodes together', () => {
  expect(totals(files)).toEqual({ bytes: 10, speed: 5, active: true });
  expect(totals({ nodes: [] })).toEqual({ bytes: 0, speed: 0, active: false });
});
