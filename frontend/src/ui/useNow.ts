/** The time, ticking: for what says how long ago something was. All who ask for the same beat share a clock. */

import { useSyncExternalStore } from 'react';

type Clock = {
  now: number;
  timer: ReturnType<typeof setInterval> | undefined;
  readonly listeners: Set<() => void>;
  readonly subscribe: (listener: () => void) => () => void;
  readonly read: () => number;
};

const clocks = new Map<number, Clock>();

/** Unix time in milliseconds, new every so many seconds. */
export function useNow(everySeconds = 5): number {
  const clock = clocks.get(everySeconds) ?? makeClock(everySeconds);
  return useSyncExternalStore(clock.subscribe, clock.read);
}

function makeClock(everySeconds: number): Clock {
  const tick = () => {
    clock.now = Date.now();
    for (const listener of clock.listeners) listener();
  };
  const clock: Clock = {
    now: Date.now(),
    timer: undefined,
    listeners: new Set(),
    subscribe: (listener) => {
      if (!clock.listeners.size) {
        clock.now = Date.now();
        clock.timer = setInterval(tick, everySeconds * 1000);
      }
      clock.listeners.add(listener);
      return () => {
        clock.listeners.delete(listener);
        if (!clock.listeners.size) clearInterval(clock.timer);
      };
    },
    read: () => clock.now,
  };
  clocks.set(everySeconds, clock);
  return clock;
}
