/**
 * Numbers over time that go on: what `/api/pulse` told of the past, and what is pushed since.
 *
 * Plain functions without React. A line is named as in the API (`tokens_out`), one of a device by its
 * id before it (`cuda:0/memory_used`).
 */

import type { PulseOf } from '@/api/pulse';
import type { Pulse } from '@/api/schema';

export type Lines = { times: number[]; of: Record<string, (number | null)[]> };

type Numbers = Record<string, number | null>;
type Device = { id: string } & Record<string, number | null | string>;
/** As it is pushed: one number for each line. */
export type PulseMessage = {
  type: 'pulse';
  at: number;
  total: Numbers;
  models: ({ model: string; project: string } & Record<string, number | null | string>)[];
  nodes: ({ node: string; devices: Device[] } & Record<string, number | null | string | Device[]>)[];
};

export const NO_LINES: Lines = { times: [], of: {} };

/** The lines of one thing in the server's answer. */
export function linesOf(pulse: Pulse, of: PulseOf): Lines {
  const named: Lines['of'] = {};
  const take = (from: object | null | undefined, prefix = '') => {
    for (const [name, values] of Object.entries(from ?? {}))
      if (Array.isArray(values) && name !== 'devices') named[prefix + name] = values as (number | null)[];
  };
  if ('node' in of) {
    const node = pulse.nodes.find((one) => one.node === of.node);
    take(node);
    for (const device of node?.devices ?? []) take(device, `${device.id}/`);
  } else if ('model' in of) {
    take(pulse.models.find((one) => one.model === of.model));
  } else take(pulse.total);
  return { times: pulse.times, of: named };
}

/** The newest number of each line in what was pushed; null: nothing of this thing is told. */
export function numbersOf(message: PulseMessage, of: PulseOf): Numbers | null {
  const found: Numbers = {};
  const take = (from: object, prefix = '') => {
    for (const [name, value] of Object.entries(from))
      if (typeof value === 'number' || value === null) found[prefix + name] = value;
  };
  if ('node' in of) {
    const node = message.nodes.find((one) => one.node === of.node);
    if (!node) return null;
    take(node);
    for (const device of node.devices) take(device, `${device.id}/`);
  } else if ('model' in of) {
    const model = message.models.find((one) => one.model === of.model);
    // A model without requests is not told.
    if (!model) return { requests: 0, errors: 0, tokens_in: 0, tokens_out: 0, running: 0, waiting: 0 };
    take(model);
  } else take(message.total);
  return found;
}

/** Lines with one more point, without those from before `since`. A line that is not told has a gap. */
export function extended(lines: Lines, at: number, numbers: Numbers, since: number): Lines {
  const first = lines.times.findIndex((time) => time >= since);
  const from = first < 0 ? lines.times.length : first;
  const past = lines.times.length - from;
  const of: Lines['of'] = {};
  for (const name of new Set([...Object.keys(lines.of), ...Object.keys(numbers)])) {
    const before = lines.of[name]?.slice(from) ?? Array<null>(past).fill(null);
    before.push(numbers[name] ?? null);
    of[name] = before;
  }
  return { times: [...lines.times.slice(from), at], of };
}

/** What was pushed while the answer was on its way is kept. */
export function rebased(fresh: Lines, lines: Lines): Lines {
  const end = fresh.times.at(-1) ?? 0;
  const from = lines.times.findIndex((time) => time > end);
  if (from < 0) return fresh;
  const later = lines.times.slice(from);
  const of: Lines['of'] = {};
  for (const name of new Set([...Object.keys(fresh.of), ...Object.keys(lines.of)])) {
    const before = fresh.of[name] ?? Array<null>(fresh.times.length).fill(null);
    of[name] = [...before, ...(lines.of[name]?.slice(from) ?? Array<null>(later.length).fill(null))];
  }
  return { times: [...fresh.times, ...later], of };
}

/** The newest number that is known. */
export function latest(lines: Lines, name: string): number | null {
  return lines.of[name]?.findLast((value) => value !== null) ?? null;
}
