/** Charts that go on by themselves: `usePulse({}, 15)` of all models, `{ model }` of one, `{ node }` of a node. */

import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { type PulseOf, pulseQuery } from '@/api/pulse';
import { useLive, useLiveState } from './LiveProvider';
import { extended, type Lines, linesOf, NO_LINES, numbersOf, type PulseMessage, rebased } from './lines';

/** Up to so many minutes the server has a number every few seconds, and pushed ones are added to them. */
const FINE_MINUTES = 60;
const FRESH_MS = 60_000;
const FRESH_WITHOUT_LIVE_MS = 5_000;

export function usePulse(of: PulseOf, minutes: number) {
  const isLive = useLiveState() === 'live' && minutes <= FINE_MINUTES;
  const query = useQuery({
    ...pulseQuery(of, minutes),
    refetchInterval: minutes > FINE_MINUTES || isLive ? FRESH_MS : FRESH_WITHOUT_LIVE_MS,
  });
  const key = JSON.stringify([of, minutes]);
  const [kept, setKept] = useState<{ key: string; lines: Lines }>({ key, lines: NO_LINES });
  const latest = useRef({ of, key });
  latest.current = { of, key };

  useEffect(() => {
    if (!query.data) return;
    const fresh = linesOf(query.data, latest.current.of);
    setKept((before) => ({ key, lines: before.key === key ? rebased(fresh, before.lines) : fresh }));
  }, [query.data, key]);

  useLive((message) => {
    if (message.type !== 'pulse' || !isLive) return;
    const pushed = message as unknown as PulseMessage;
    const numbers = numbersOf(pushed, of);
    if (!numbers) return;
    setKept((before) => {
      if (before.key !== key || pushed.at <= (before.lines.times.at(-1) ?? 0)) return before;
      return { key, lines: extended(before.lines, pushed.at, numbers, pushed.at - minutes * 60) };
    });
  });

  return { query, lines: kept.key === key ? kept.lines : NO_LINES };
}
