/** What is asked of each model right now: `useTraffic().get(uid)`. */

import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { pulseQuery } from '@/api/pulse';
import { useLive, useLiveState } from './LiveProvider';
import type { PulseMessage } from './lines';

export type Traffic = {
  requests: number;
  tokens_out: number;
  running: number;
  waiting: number;
  first_token_p50: number | null;
};

const NAMES = ['requests', 'tokens_out', 'running', 'waiting'] as const;
const FRESH_WITHOUT_LIVE_MS = 5_000;

/** By the models' names; one that nobody asks is not there. */
export function useTraffic(): ReadonlyMap<string, Traffic> {
  const isLive = useLiveState() === 'live';
  const [pushed, setPushed] = useState<PulseMessage | null>(null);
  const asked = useQuery({
    ...pulseQuery({}, 1),
    refetchInterval: isLive ? false : FRESH_WITHOUT_LIVE_MS,
  }).data;
  useLive((message) => {
    if (message.type === 'pulse') setPushed(message as unknown as PulseMessage);
  });
  return useMemo(() => {
    if (pushed && isLive) return new Map(pushed.models.map((one) => [one.model, trafficOf(one)]));
    const last = (values: readonly (number | null)[]) => values.findLast((value) => value !== null) ?? null;
    return new Map(
      (asked?.models ?? []).map((one) => [
        one.model,
        trafficOf({
          requests: last(one.requests),
          tokens_out: last(one.tokens_out),
          running: last(one.running),
          waiting: last(one.waiting),
          first_token_p50: last(one.first_token_p50),
        }),
      ]),
    );
  }, [pushed, asked, isLive]);
}

function trafficOf(numbers: Record<string, unknown>): Traffic {
  const first = numbers.first_token_p50;
  const traffic: Traffic = {
    requests: 0,
    tokens_out: 0,
    running: 0,
    waiting: 0,
    first_token_p50: typeof first === 'number' ? first : null,
  };
  for (const name of NAMES) {
    const value = numbers[name];
    if (typeof value === 'number') traffic[name] = value;
  }
  return traffic;
}
