/** Numbers over time: what is asked of models, how nodes are. `live/usePulse.ts` keeps them going. */

import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

export type PulseOf = { model: string } | { node: string } | Record<string, never>;

export const pulseQuery = (of: PulseOf, minutes: number) =>
  queryOptions({
    queryKey: ['pulse', of, minutes],
    queryFn: ({ signal }) => data(api.GET('/api/pulse', { params: { query: { ...of, minutes } }, signal })),
  });
