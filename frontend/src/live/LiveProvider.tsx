/** One connection for the whole console. Pages listen with `useLive`; kept answers grow old by themselves. */

import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { sent } from '@/api/client';
import { meQuery, useMay, useMe } from '@/session/session';
import { Changes } from './changes';
import { type LiveMessage, LiveSocket, type LiveState } from './socket';

type Listener = (message: LiveMessage) => void;
type Live = { state: LiveState; listen: (listener: Listener) => () => void };

const LiveContext = createContext<Live>({ state: 'connecting', listen: () => () => undefined });

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const me = useMe();
  const mayRead = useMay()('events.read');
  const [state, setState] = useState<LiveState>('connecting');
  const listeners = useRef(new Set<Listener>());
  const project = me?.project;
  const known = me !== undefined;

  useEffect(() => {
    if (!known || !mayRead) return;
    const changes = new Changes(client);
    let broke = false;
    const socket = new LiveSocket(
      (after) => address(after, project ?? ''),
      (message) => {
        changes.hear(message);
        for (const listener of listeners.current) listener(message);
      },
      (now, code) => {
        setState(now);
        if (now === 'waiting') broke = true;
        if (now === 'live' && broke) {
          broke = false;
          // What is not told by events may have changed while nobody listened.
          void client.invalidateQueries();
        }
        // A role has changed, or the session is over; then this answer leads to the login.
        if (code === 4401) void client.invalidateQueries(meQuery);
      },
    );
    socket.start();
    const hurry = () => socket.hurry();
    window.addEventListener('online', hurry);
    document.addEventListener('visibilitychange', hurry);
    return () => {
      window.removeEventListener('online', hurry);
      document.removeEventListener('visibilitychange', hurry);
      changes.stop();
      socket.stop();
    };
  }, [client, known, mayRead, project]);

  const live = useMemo<Live>(
    () => ({
      state,
      listen: (listener) => {
        listeners.current.add(listener);
        return () => listeners.current.delete(listener);
      },
    }),
    [state],
  );
  return <LiveContext value={live}>{children}</LiveContext>;
}

function address(after: number | null, project: string): string {
  const query = new URLSearchParams({ pulse: '1' });
  if (after !== null) query.set('after', String(after));
  if (project || sent.project) query.set('project', project || sent.project);
  return `${location.origin.replace(/^http/, 'ws')}/ws/events?${query}`;
}

export function useLiveState(): LiveState {
  return useContext(LiveContext).state;
}

/** Calls the listener with each message; it may change between renders. */
export function useLive(listener: Listener): void {
  const { listen } = useContext(LiveContext);
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => listen((message) => latest.current(message)), [listen]);
}
