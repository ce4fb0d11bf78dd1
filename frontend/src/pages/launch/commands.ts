/** The same launch as a command of `xplatform` and as a request by curl. `commands.cases.json` holds both
 * this and the real command's parser (`tests/cli/test_console_commands.py`) to the same orders. */

import type { NewLaunchRequest } from '@/api/schema';

export type Command = {
  text: string;
  /** fields of the order that the command has no flag for */
  without: string[];
};

/** What a shell takes as it stands. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

export const quote = (word: string): string =>
  PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export function asCommand(order: NewLaunchRequest): Command {
  const lines: string[][] = [];
  const without: string[] = [];
  const flag = (name: string, ...values: (string | number | null | undefined)[]) => {
    if (values.some((value) => value === undefined || value === null || value === '')) return;
    lines.push([name, ...values.map(String)]);
  };
  const on = (name: string, isOn: boolean | undefined) => isOn && lines.push([name]);
  if (order.source) {
    flag('--model-name', order.source.id);
    flag('--hub', order.source.hub);
    flag('--revision', order.source.revision);
  } else {
    flag('--model-name', order.family);
    flag('--hub', order.hub);
  }
  flag('--model-path', order.model_path);
  flag('--uid', order.uid);
  flag('--model-type', order.kind);
  flag('--engine', order.engine);
  flag('--size', order.size);
  flag('--format', order.format);
  flag('--quantization', order.quantization);
  flag('--slots', order.slots);
  flag('--context-length', order.context_length);
  for (const [name, value] of Object.entries(order.options ?? {}))
    flag('--option', `${name}=${optionText(value)}`);
  for (const [name, value] of Object.entries(order.environment ?? {})) lines.push(['--env', name, value]);
  for (const name of order.packages ?? []) flag('--virtual-env-package', name);
  for (const adapter of order.adapters ?? []) {
    if (adapter.path && (adapter.scale ?? 1) === 1) flag('--lora-modules', adapter.name, adapter.path);
    else without.push(`adapters.${adapter.name}`);
  }
  on('--trust-remote-code', order.trust_remote_code);
  flag('--min-replicas', order.min_replicas);
  flag('--max-replicas', order.max_replicas);
  flag('--idle-seconds', order.idle_seconds);
  on('--pin', order.pinned);
  on('--prewarm', order.prewarm);
  const place = order.placement ?? {};
  for (const node of place.nodes ?? []) flag('--node', node);
  for (const [name, value] of Object.entries(place.labels ?? {})) lines.push(['--label', `${name}=${value}`]);
  if (place.count !== undefined) flag('--n-gpu', place.count === null ? 'none' : place.count);
  const numbers = (place.devices ?? []).map((device) => /:(\d+)$/.exec(device)?.[1]);
  if (numbers.includes(undefined)) without.push('placement.devices');
  else if (numbers.length) flag('--gpu-idx', numbers.join(','));
  on('--anyway', order.launch_anyway);
  on('--shared', order.shared);
  const words = lines.map((line) => line.map(quote).join(' '));
  return { text: ['xplatform launch', ...words].join(' \\\n  '), without };
}

/** Read back as JSON if it is, else as text: so text that looks like JSON is written as JSON. */
function optionText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  if (['True', 'False', 'None', 'NaN', 'Infinity', '-Infinity'].includes(value)) return JSON.stringify(value);
  try {
    JSON.parse(value);
  } catch {
    return value;
  }
  return JSON.stringify(value);
}

/** `again`: the launch that is started anew with this order. */
export function asCurl(order: NewLaunchRequest, base: string, again = ''): string {
  const { uid, ...rest } = order;
  const route = again ? `/api/launches/${encodeURIComponent(again)}/relaunch` : '/api/launches';
  const body = JSON.stringify(again ? rest : { uid, ...rest }, null, 2);
  return [
    `curl ${quote(base + route)} \\`,
    '  -H "Authorization: Bearer $XPLATFORM_API_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${body.replaceAll("'", `'\\''`)}'`,
  ].join('\n');
}
