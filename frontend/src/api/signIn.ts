/** Ways to sign in elsewhere, and applications that sign in here. */

import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type {
  NewApplicationRequest,
  NewProviderRequest,
  PatchedChangeApplicationRequest,
  PatchedChangeProviderRequest,
} from './schema';
import { useChange } from './useChange';

export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: ({ signal }) => data(api.GET('/api/sso/providers', { signal })),
});

const provider = (name: string) => ({ params: { path: { name } } });
const PROVIDERS = ['providers', 'sign-ins'];

export const useMakeProvider = () =>
  useChange((body: NewProviderRequest) => data(api.POST('/api/sso/providers', { body })), PROVIDERS);

export const useChangeProvider = () =>
  useChange(
    ({ name, ...body }: PatchedChangeProviderRequest & { name: string }) =>
      data(api.PATCH('/api/sso/providers/{name}', { ...provider(name), body })),
    PROVIDERS,
  );

export const useDeleteProvider = () =>
  useChange((name: string) => data(api.DELETE('/api/sso/providers/{name}', provider(name))), PROVIDERS);

export const useCheckProvider = () =>
  useChange((name: string) => data(api.POST('/api/sso/providers/{name}/check', provider(name))), []);

export const applicationsQuery = queryOptions({
  queryKey: ['applications'],
  queryFn: ({ signal }) => data(api.GET('/api/applications', { signal })),
});

const application = (client_id: string) => ({ params: { path: { client_id } } });

export const useMakeApplication = () =>
  useChange((body: NewApplicationRequest) => data(api.POST('/api/applications', { body })), ['applications']);

export const useChangeApplication = () =>
  useChange(
    ({ client_id, ...body }: PatchedChangeApplicationRequest & { client_id: string }) =>
      data(api.PATCH('/api/applications/{client_id}', { ...application(client_id), body })),
    ['applications'],
  );

export const useDeleteApplication = () =>
  useChange(
    (client_id: string) => data(api.DELETE('/api/applications/{client_id}', application(client_id))),
    ['applications'],
  );

export const useNewApplicationSecret = () =>
  useChange(
    (client_id: string) => data(api.POST('/api/applications/{client_id}/secret', application(client_id))),
    [],
  );
