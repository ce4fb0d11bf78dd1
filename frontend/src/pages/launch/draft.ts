/** A launch as it is being filled in, and the order that it becomes. */

import type { AdapterRequest, LaunchDetail, NewLaunchRequest } from '@/api/schema';
import { type LaunchSearch, type Repository, readSource } from './search';

export type OptionValue = string | number | boolean;

/** What is called how, runs where, and stays how long. What is launched is in the page's address. */
export type Draft = {
  uid: string;
  slots: number | null;
  context: number | null;
  options: Record<string, OptionValue>;
  adapters: AdapterRequest[];
  /** NAME=value */
  variables: string[];
  packages: string[];
  trustRemoteCode: boolean;
  least: number;
  most: number;
  idle: number | null;
  pinned: boolean;
  prewarm: boolean;
  shared: boolean;
  nodes: string[];
  /** name=value */
  labels: string[];
  devices: string[];
  count: 'auto' | 'none' | number;
  anyway: boolean;
};

export const NEW: Draft = {
  uid: '',
  slots: null,
  context: null,
  options: {},
  adapters: [],
  variables: [],
  packages: [],
  trustRemoteCode: false,
  least: 1,
  most: 1,
  idle: null,
  pinned: false,
  prewarm: false,
  shared: false,
  nodes: [],
  labels: [],
  devices: [],
  count: 'auto',
  anyway: false,
};

/** What a launch was started with. What its variables say is not told by the server. */
export function draftOf(launch: LaunchDetail): Draft {
  const place = launch.placement;
  return {
    uid: launch.uid,
    slots: launch.slots,
    context: launch.context_length,
    options: launch.options as Record<string, OptionValue>,
    adapters: launch.adapters,
    variables: [],
    packages: launch.packages,
    trustRemoteCode: launch.trust_remote_code,
    least: launch.min_replicas,
    most: launch.max_replicas,
    idle: launch.idle_seconds,
    pinned: launch.pinned,
    prewarm: launch.prewarm,
    shared: launch.shared,
    nodes: place.nodes ?? [],
    labels: Object.entries(place.labels ?? {}).map(([name, value]) => `${name}=${value}`),
    devices: place.devices ?? [],
    count: place.count === undefined ? 'auto' : (place.count ?? 'none'),
    anyway: launch.launch_anyway,
  };
}

/** What a launch runs, as the page's address says it. */
export function choiceOf(launch: LaunchDetail): Omit<LaunchSearch, 'from'> {
  const { source } = launch;
  const isHub = source.hub === 'huggingface' || source.hub === 'modelscope';
  const isFamily = !!launch.family && !launch.family.includes('/');
  return {
    kind: launch.kind,
    name: isFamily ? launch.family : '',
    size: launch.size,
    format: launch.format,
    quantization: launch.quantization,
    engine: launch.engine,
    path: isFamily || isHub ? '' : launch.model_path,
    source:
      !isFamily && isHub ? `${source.hub}:${source.id}${source.revision ? `@${source.revision}` : ''}` : '',
  };
}

/** A name to call it by, of what it is. */
export function nameFor(choice: LaunchSearch): string {
  const whole = choice.name || readSource(choice.source).id || choice.path;
  const last = whole.replace(/\/+$/, '').split('/').pop() ?? '';
  return last
    .replace(/\.gguf$/i, '')
    .replace(/[^A-Za-z0-9._:-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100);
}

/** The body of `POST /api/launches`; what is as usual is left out. */
export function orderOf(choice: LaunchSearch, draft: Draft): NewLaunchRequest {
  const order: NewLaunchRequest = { uid: draft.uid || nameFor(choice) };
  const given = <K extends keyof NewLaunchRequest>(name: K, value: NewLaunchRequest[K], usual?: unknown) => {
    if (value !== '' && value !== null && value !== undefined && value !== usual) order[name] = value;
  };
  given('kind', choice.kind);
  if (choice.name) given('family', choice.name);
  else if (choice.source) take(order, readSource(choice.source));
  else given('model_path', choice.path);
  given('engine', choice.engine);
  given('size', choice.size);
  given('format', choice.format);
  given('quantization', choice.quantization);
  given('slots', draft.slots);
  given('context_length', draft.context);
  if (Object.keys(draft.options).length) order.options = draft.options;
  if (draft.variables.length) order.environment = pairs(draft.variables);
  if (draft.packages.length) order.packages = draft.packages;
  if (draft.adapters.length) order.adapters = draft.adapters;
  given('trust_remote_code', draft.trustRemoteCode, false);
  const isUsual = draft.least === 1 && draft.most === 1;
  if (!isUsual) {
    order.min_replicas = draft.least;
    order.max_replicas = Math.max(draft.most, draft.least, 1);
  }
  given('idle_seconds', draft.idle);
  given('pinned', draft.pinned, false);
  given('prewarm', draft.prewarm, false);
  const place: NonNullable<NewLaunchRequest['placement']> = {};
  if (draft.nodes.length) place.nodes = draft.nodes;
  if (draft.labels.length) place.labels = pairs(draft.labels);
  if (draft.devices.length) place.devices = draft.devices;
  if (draft.count !== 'auto') place.count = draft.count === 'none' ? null : draft.count;
  if (Object.keys(place).length) order.placement = place;
  given('launch_anyway', draft.anyway, false);
  given('shared', draft.shared, false);
  return order;
}

function take(order: NewLaunchRequest, { hub, id, revision }: Repository): void {
  if (revision) {
    order.source = { hub, id, revision } as NewLaunchRequest['source'];
    return;
  }
  order.family = id;
  order.hub = hub;
}

/** `name=value` each; what has no `=` is a name with an empty value. */
export function pairs(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
