import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { NewPriceRequest, NewWebhookRequest, PatchedWebhookChangesRequest } from './schema';
import { useChange } from './useChange';

export const secretsQuery = queryOptions({
  queryKey: ['settings', 'secrets'],
  queryFn: ({ signal }) => data(api.GET('/api/settings/secrets', { signal })),
});

export const settingsQuery = queryOptions({
  queryKey: ['settings', 'in-force'],
  queryFn: ({ signal }) => data(api.GET('/api/settings', { signal })),
});

export const useStoreSecret = () =>
  useChange(
    ({ name, value }: { name: string; value: string }) =>
      data(api.PUT('/api/settings/secrets/{name}', { params: { path: { name } }, body: { value } })),
    ['settings'],
  );

export const useRemoveSecret = () =>
  useChange(
    (name: string) => data(api.DELETE('/api/settings/secrets/{name}', { params: { path: { name } } })),
    ['settings'],
  );

export const pricesQuery = queryOptions({
  queryKey: ['prices'],
  queryFn: ({ signal }) => data(api.GET('/api/prices', { signal })),
});

export const useMakePrice = () =>
  useChange((body: NewPriceRequest) => data(api.POST('/api/prices', { body })), ['prices']);

export const useChangePrice = () =>
  useChange(
    ({ id, model: _, ...body }: NewPriceRequest & { id: number }) =>
      data(api.PATCH('/api/prices/{price_id}', { params: { path: { price_id: id } }, body })),
    ['prices'],
  );

export const useDeletePrice = () =>
  useChange(
    (id: number) => data(api.DELETE('/api/prices/{price_id}', { params: { path: { price_id: id } } })),
    ['prices'],
  );

export const webhooksQuery = queryOptions({
  queryKey: ['webhooks'],
  queryFn: ({ signal }) => data(api.GET('/api/webhooks', { signal })),
});

const hook = (id: string) => ({ params: { path: { webhook_id: id } } });

export const useMakeWebhook = () =>
  useChange((body: NewWebhookRequest) => data(api.POST('/api/webhooks', { body })), ['webhooks']);

export const useChangeWebhook = () =>
  useChange(
    ({ id, ...body }: PatchedWebhookChangesRequest & { id: string }) =>
      data(api.PATCH('/api/webhooks/{webhook_id}', { ...hook(id), body })),
    ['webhooks'],
  );

export const useDeleteWebhook = () =>
  useChange((id: string) => data(api.DELETE('/api/webhooks/{webhook_id}', hook(id))), ['webhooks']);

export const useTestWebhook = () =>
  useChange((id: string) => data(api.POST('/api/webhooks/{webhook_id}/test', hook(id))), ['webhooks']);

export const useNewWebhookSecret = () =>
  useChange((id: string) => data(api.POST('/api/webhooks/{webhook_id}/secret', hook(id))), ['webhooks']);
