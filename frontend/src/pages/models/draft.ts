/** A family while it is written: any object, seen as a form and as text; each side shows the other's. */

import type { Family } from '@/api/schema';

export type Draft = Record<string, unknown>;
export type Notation = 'json' | 'yaml';
export type Place = readonly (string | number)[];

/** what the page that looks at sources leaves for the one that registers */
export const draftKey = 'xplatform.draft';

export const emptyDraft = (): Draft => ({
  name: '',
  kind: 'llm',
  abilities: ['chat'],
  specs: [emptySpec()],
});

export const emptySpec = (): Draft => ({
  format: 'ggufv2',
  repositories: [{ hub: 'huggingface', id: '' }],
});

/** A family of the catalogue to begin a variant with. */
export const variantOf = (family: Family): Draft => ({
  ...family,
  name: `my-${family.name}`,
  base: family.name,
});

export async function written(draft: Draft, notation: Notation): Promise<string> {
  if (notation === 'json') return `${JSON.stringify(draft, null, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(draft, { lineWidth: 100 });
}

/** Raises an Error that says where it is no such text. */
export async function understood(text: string, notation: Notation): Promise<Draft> {
  const value: unknown = notation === 'json' ? JSON.parse(text) : (await import('yaml')).parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NoObject();
  return value as Draft;
}

export class NoObject extends Error {}

export function at(value: unknown, place: Place): unknown {
  return place.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Draft)[key] : undefined),
    value,
  );
}

/** A copy with something else at a place; empty values are left out. Lists and objects are made as needed. */
export function withAt<Whole>(whole: Whole, place: Place, value: unknown): Whole {
  const [key, ...rest] = place;
  if (key === undefined) return value as Whole;
  if (typeof key === 'number') {
    const list = Array.isArray(whole) ? [...whole] : [];
    list[key] = withAt(list[key], rest, value);
    return list as Whole;
  }
  const object: Draft = isObject(whole) ? { ...(whole as Draft) } : {};
  const inner = withAt(object[key], rest, value);
  if (isEmpty(inner)) delete object[key];
  else object[key] = inner;
  return object as Whole;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return (
    value === '' ||
    value === null ||
    value === undefined ||
    value === false ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** `specs[0].repositories[1].id`, as the server names a field, in the parts of a place. */
export function placeOf(field: string): Place {
  return [...field.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) =>
    index !== undefined ? Number(index) : (name ?? ''),
  );
}

export const fieldOf = (place: Place): string =>
  place.map((key, index) => (typeof key === 'number' ? `[${key}]` : index ? `.${key}` : key)).join('');
