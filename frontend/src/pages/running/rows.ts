/** Launches as rows of a table: what is shown of each, and which are wanted. */

import type { Launch, Me, Replica } from '@/api/schema';
import type { RunningSearch } from './search';

/** Replicas that serve, or are on the way to. */
const LIVE = new Set<string>(['scheduled', 'starting', 'loading', 'ready', 'draining']);

export type ReplicaRow = { id: string; launch: Launch; replica: Replica };

export const liveReplicas = (launch: Launch): Replica[] =>
  launch.replicas.filter((replica) => LIVE.has(replica.state));

export const nodesOf = (launch: Launch): string[] => [
  ...new Set(liveReplicas(launch).map((replica) => replica.node)),
];

export const devicesOf = (launch: Launch): string[] => [
  ...new Set(liveReplicas(launch).flatMap((replica) => replica.devices)),
];

/** Its nodes, with the accelerators that it has there. */
export const whereOf = (launch: Launch): string =>
  [...nodesOf(launch), ...devicesOf(launch).filter((device) => device !== 'cpu')].join(', ');

/** Bytes that it is counted with, or what was measured where that is more. */
export const memoryOfReplica = (replica: Replica): number => Math.max(replica.memory, replica.memory_peak);

export const memoryOf = (launch: Launch): number =>
  liveReplicas(launch).reduce((sum, replica) => sum + memoryOfReplica(replica), 0);

export const readyOf = (launch: Launch): number =>
  launch.replicas.filter((replica) => replica.state === 'ready').length;

export function replicaRows(launches: readonly Launch[]): ReplicaRow[] {
  return launches.flatMap((launch) =>
    launch.replicas.map((replica) => ({ id: replica.id, launch, replica })),
  );
}

export function wantedLaunches(launches: readonly Launch[], search: RunningSearch): Launch[] {
  const said = words(search.q);
  return launches.filter(
    (launch) =>
      (!search.state || launch.state === search.state) &&
      (!search.kind || launch.kind === search.kind) &&
      (!search.node || launch.replicas.some((replica) => replica.node === search.node)) &&
      has(said, launch.uid, launch.family, launch.engine, launch.requested_by, launch.reason),
  );
}

export function wantedReplicas(rows: readonly ReplicaRow[], search: RunningSearch): ReplicaRow[] {
  const said = words(search.q);
  return rows.filter(
    ({ launch, replica }) =>
      (!search.state || replica.state === search.state) &&
      (!search.kind || launch.kind === search.kind) &&
      (!search.node || replica.node === search.node) &&
      has(said, launch.uid, launch.engine, replica.node, replica.message, ...replica.devices),
  );
}

/** One of another project is seen and called here, not changed. */
export function isOurs(launch: Launch, me: Me | undefined): boolean {
  return !!me && (me.project === '' || me.project === launch.project);
}

const words = (text: string | undefined): string[] => (text ?? '').toLowerCase().split(/\s+/).filter(Boolean);

function has(said: readonly string[], ...texts: string[]): boolean {
  if (!said.length) return true;
  const all = texts.join(' ').toLowerCase();
  return said.every((word) => all.includes(word));
}
