import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

/** Whose log: of a model's newest replica, of a replica, or of a process of a node (its agent without a folder). */
export type LogSource = {
  model?: string;
  replica?: string;
  node?: string;
  folder?: string;
  /** what it printed, or its own log */
  file: 'output' | 'log';
};

export const logFoldersQuery = (node: string) =>
  queryOptions({
    queryKey: ['log-folders', node],
    queryFn: ({ signal }) =>
      data(api.GET('/api/nodes/{name}/logs', { params: { path: { name: node } }, signal })),
  });

/** The last lines, or those from an offset on. */
export const readLog = (source: LogSource, lines: number, offset?: number, signal?: AbortSignal) =>
  data(api.GET('/api/logs', { params: { query: { ...source, lines, offset } }, signal }));
