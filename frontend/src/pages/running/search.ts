/** What stands in the addresses of the running models' pages. */

type Search = Record<string, unknown>;
const text = (value: unknown) =>
  typeof value === 'string' && value ? value : typeof value === 'number' ? String(value) : undefined;
const oneOf = <const T extends string>(value: unknown, known: readonly T[]) =>
  known.find((one) => one === value);

export const VIEWS = ['launches', 'replicas', 'past'] as const;
export type View = (typeof VIEWS)[number];

export type RunningSearch = { view?: View; q?: string; state?: string; node?: string; kind?: string };

export function runningSearch(search: Search): RunningSearch {
  return {
    view: oneOf(search.view, VIEWS),
    q: text(search.q),
    state: text(search.state),
    node: text(search.node),
    kind: text(search.kind),
  };
}

export const TABS = ['overview', 'use', 'requests', 'logs', 'events', 'settings'] as const;
export type Tab = (typeof TABS)[number];

export type LaunchPageSearch = { tab?: Tab; replica?: string };

export function launchPageSearch(search: Search): LaunchPageSearch {
  return { tab: oneOf(search.tab, TABS), replica: text(search.replica) };
}
