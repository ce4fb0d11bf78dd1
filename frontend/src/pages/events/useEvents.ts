/**
 * The events of a choice: the newest at first, what comes while one looks, older ones when asked for.
 * `choice` stays the same object as long as it says the same.
 */

import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { type EventChoice, readEvents } from '@/api/events';
import type { LoggedEvent } from '@/api/schema';
import { useLive } from '@/live/LiveProvider';
import { isChosen, MOST_KEPT, merged } from './eventList';

const FIRST = 500;
const OLDER = 1000;
/** Fifty a second are drawn a few times a second. */
const COLLECT_MS = 250;

type Kept = { key: string; events: readonly LoggedEvent[]; hasAll: boolean };

export function useEvents(choice: EventChoice, paused: boolean) {
  const key = JSON.stringify(choice);
  // Not below `events`: each event would ask for all of this anew.
  const query = useQuery({
    queryKey: ['event-list', choice],
    queryFn: ({ signal }) => readEvents(choice, FIRST, undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const [kept, setKept] = useState<Kept>({ key, events: [], hasAll: false });
  const [held, setHeld] = useState(0);
  const [olderError, setOlderError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const waiting = useRef<LoggedEvent[]>([]);
  const came = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    const page = query.data;
    if (!page) return;
    setKept((before) =>
      before.key === key
        ? { ...before, events: merged(before.events, page.events) }
        : { key, events: merged([], page.events), hasAll: false },
    );
    if (page.events.length < FIRST) setKept((before) => ({ ...before, hasAll: true }));
  }, [query.data, key]);

  const flush = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = undefined;
    const fresh = waiting.current.filter((event) => isChosen(event, choice));
    waiting.current = [];
    came.current = 0;
    setHeld(0);
    setKept((before) => (before.key === key ? { ...before, events: merged(before.events, fresh) } : before));
  }, [key, choice]);

  useEffect(() => {
    if (!paused) flush();
    return () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [paused, flush]);

  const count = () => {
    timer.current = undefined;
    setHeld(came.current);
  };

  useLive((message) => {
    if (message.type !== 'event') return;
    const { event } = message as { event: LoggedEvent };
    if (!isChosen(event, choice)) return;
    waiting.current.push(event);
    came.current += 1;
    // A pause may last for days.
    if (waiting.current.length > 2 * MOST_KEPT) waiting.current = waiting.current.slice(-MOST_KEPT);
    timer.current ??= setTimeout(paused ? count : flush, COLLECT_MS);
  });

  const loadOlder = async () => {
    setBusy(true);
    setOlderError(null);
    try {
      const page = await readEvents(choice, OLDER, kept.events.at(-1)?.id);
      setKept((before) =>
        before.key === key
          ? { key, events: merged(before.events, page.events), hasAll: page.events.length < OLDER }
          : before,
      );
    } catch (error) {
      setOlderError(error);
    } finally {
      setBusy(false);
    }
  };

  const isCurrent = kept.key === key;
  return {
    query,
    events: isCurrent ? kept.events : [],
    hasAll: isCurrent && kept.hasAll,
    /** how many came while it was paused */
    held,
    loadOlder,
    busy,
    olderError,
  };
}
