import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

export type EventChoice = { model?: string; node?: string; replica?: string };

/** The newest, newest last; asked for anew with each event. */
export const eventsQuery = (choice: EventChoice, limit: number) =>
  queryOptions({
    queryKey: ['events', choice, limit],
    queryFn: ({ signal }) =>
      data(api.GET('/api/events', { params: { query: { ...choice, limit } }, signal })),
  });

/** Once, for whoever follows what comes after by itself. */
export const readEvents = (choice: EventChoice, limit: number, before?: number, signal?: AbortSignal) =>
  data(api.GET('/api/events', { params: { query: { ...choice, limit, before } }, signal }));
