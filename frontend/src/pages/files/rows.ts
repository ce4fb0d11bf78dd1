/** Downloads and cached files of all nodes as one list each. */

import { type CachedFiles, isActive, type NodeDownload } from '@/api/files';
import type { Files, FilesOfNode } from '@/api/schema';
import type { FilesSearch } from './search';

export type DownloadRow = NodeDownload & { node: string };
export type CachedRow = CachedFiles & { node: string };

const ORDER: Record<string, number> = { running: 0, queued: 1, failed: 2, paused: 3, cancelled: 4, done: 5 };

/** Those at work first; of those that have ended, the newest. */
export function downloadRows(files: Files, search: FilesSearch): DownloadRow[] {
  return rows(files, search, (node) => node.downloads).sort(
    (a, b) => (ORDER[a.state] ?? 9) - (ORDER[b.state] ?? 9) || b.updated - a.updated,
  );
}

export const cachedRows = (files: Files, search: FilesSearch): CachedRow[] =>
  rows(files, search, (node) => node.cached);

function rows<Row extends { name: string }>(
  files: Files,
  search: FilesSearch,
  of: (node: FilesOfNode) => Row[],
): (Row & { node: string })[] {
  const words = search.q.toLowerCase().split(/\s+/).filter(Boolean);
  return files.nodes
    .filter((node) => !search.node || node.node === search.node)
    .flatMap((node) => of(node).map((row) => ({ ...row, node: node.node })))
    .filter((row) => words.every((word) => row.name.toLowerCase().includes(word)));
}

/** Bytes that a removal frees: files of other programs stay. */
export const freed = (row: CachedFiles): number => Math.max(0, row.size + row.partial - row.linked);

/** Which replica of which model uses files; null: it is something else. */
export function replicaUsing(user: string): { uid: string; epoch: number } | null {
  const found = /^(.+) \(replica [\w-]+, epoch (\d+)\)$/.exec(user);
  return found?.[1] ? { uid: found[1], epoch: Number(found[2]) } : null;
}

/** What a node says of a download, without the numbers that are shown beside it. */
export const withoutNumbers = (line: string): string =>
  line.replace(/ [\d.]+(?: [kMGT]?B)? of [\d.]+ .*$/, '');

export type Totals = { bytes: number; speed: number; active: boolean };

export function totals(files: Files): Totals {
  return {
    bytes: files.nodes.reduce((sum, node) => sum + (node.disk.used ?? 0), 0),
    speed: files.nodes.flatMap((node) => node.downloads).reduce((sum, one) => sum + one.speed, 0),
    active: isActive(files),
  };
}
