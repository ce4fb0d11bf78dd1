/** How far a launch is on its way, as steps that people know. */

import type { Launch } from '@/api/schema';

export const PHASES = ['placing', 'files', 'environment', 'loading'] as const;
export type Phase = (typeof PHASES)[number];

/** Of the replica that is nearest to ready. */
export function phaseOf(launch: Pick<Launch, 'replicas' | 'message'>): Phase {
  const states = new Set(launch.replicas.map((replica) => replica.state));
  if (states.has('loading') || states.has('ready')) return 'loading';
  if (!states.has('starting')) return 'placing';
  // What a node does before the process starts it tells in words; these are its own (`preparation.py`).
  return launch.message.startsWith('installing engine environment') ? 'environment' : 'files';
}
