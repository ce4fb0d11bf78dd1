/** Engines with their environments on the nodes: installed, removed, how far. */

import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { EngineInfo } from './schema';
import { useChange } from './useChange';

/** No event tells how far an installation is. */
const INSTALLING_MS = 1500;

export function isInstalling(engines: readonly EngineInfo[] | undefined): boolean {
  return !!engines?.some((engine) => engine.nodes.some((node) => node.state === 'installing'));
}

export const environmentsQuery = queryOptions({
  queryKey: ['engines'],
  queryFn: ({ signal }) => data(api.GET('/api/engines', { signal })),
  refetchInterval: (query) => (isInstalling(query.state.data) ? INSTALLING_MS : false),
});

export const useInstallEngine = () =>
  useChange(
    ({ engine, node }: { engine: string; node: string }) =>
      data(api.POST('/api/engines/{engine}/install', { params: { path: { engine } }, body: { node } })),
    ['engines'],
  );

export const useRemoveEnvironment = () =>
  useChange(
    (path: { engine: string; node: string; version: string }) =>
      data(api.DELETE('/api/engines/{engine}/environments/{node}/{version}', { params: { path } })),
    ['engines'],
  );
