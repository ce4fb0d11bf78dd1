/** What stands in the address of the launch page: what is launched, so that it can be linked to. */

import { asText, type Search } from '@/ui/useUrl';

const NAMES = [
  'kind',
  'name',
  'size',
  'format',
  'quantization',
  'engine',
  /** a path on a node */
  'path',
  /** a repository, with its hub before it: `huggingface:owner/name` */
  'source',
  /** the launch that this one begins with */
  'from',
] as const;

export type LaunchSearch = { [name in (typeof NAMES)[number]]: string };

export function launchSearch(search: Search): LaunchSearch {
  return Object.fromEntries(NAMES.map((name) => [name, asText(search[name])])) as LaunchSearch;
}

export type Repository = { hub: 'huggingface' | 'modelscope'; id: string; revision: string };

/** `modelscope:owner/name@main`; without a hub: Hugging Face's. */
export function readSource(text: string): Repository {
  const [, hub, rest = ''] = /^(?:(huggingface|modelscope):)?(.*)$/s.exec(text.trim()) ?? [];
  const at = rest.lastIndexOf('@');
  return {
    hub: hub === 'modelscope' ? 'modelscope' : 'huggingface',
    id: at < 0 ? rest : rest.slice(0, at),
    revision: at < 0 ? '' : rest.slice(at + 1),
  };
}

export const writeSource = ({ hub, id, revision }: Repository): string =>
  id ? `${hub}:${id}${revision ? `@${revision}` : ''}` : '';
