import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { Files, FilesOfNode } from './schema';
import { useChange } from './useChange';

export type NodeDownload = FilesOfNode['downloads'][number];
export type CachedFiles = FilesOfNode['cached'][number];
export type DownloadAction = 'pause' | 'resume' | 'cancel' | 'forget';

const ACTIVE: readonly NodeDownload['state'][] = ['queued', 'running'];
const WHILE_ACTIVE_MS = 1000;
/** Downloads have no events of their own. */
const WHILE_QUIET_MS = 10_000;

export const isActive = (files: Files | undefined): boolean =>
  !!files?.nodes.some((node) => node.downloads.some((one) => ACTIVE.includes(one.state)));

/** Nodes are asked, so it is looked at again often only while something is on its way. */
export const filesQuery = queryOptions({
  queryKey: ['files'],
  queryFn: ({ signal }) => data(api.GET('/api/files', { signal })),
  staleTime: 5_000,
  refetchInterval: (query) => (isActive(query.state.data) ? WHILE_ACTIVE_MS : WHILE_QUIET_MS),
});

const TOUCHES = ['files', 'catalogue'];

export type Wanted = {
  name: string;
  kind?: string;
  size?: string;
  format?: string;
  quantization?: string;
  hub?: 'huggingface' | 'modelscope';
  revision?: string;
  node?: string;
};

export const useFetchAhead = () =>
  useChange((body: Wanted) => data(api.POST('/api/downloads', { body })), TOUCHES);

export const useChangeDownload = () =>
  useChange(
    ({ node, download, action }: { node: string; download: string; action: DownloadAction }) =>
      data(
        api.POST('/api/downloads/{node}/{download}/{action}', {
          params: { path: { node, download, action } },
        }),
      ),
    TOUCHES,
  );

export const useRemoveFiles = () =>
  useChange(
    ({ node, entry }: { node: string; entry: string }) =>
      data(api.DELETE('/api/files/{node}/{entry}', { params: { path: { node, entry } } })),
    TOUCHES,
  );
