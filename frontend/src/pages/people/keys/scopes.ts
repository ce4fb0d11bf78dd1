/** What a key may be used for: models by glob, permissions, and until when. */

import type { Key } from '@/api/schema';

/** As Python's `fnmatchcase`, with which the server compares: `*`, `?`, `[abc]`, `[!a-c]`. */
export function matches(glob: string, name: string): boolean {
  const pattern = glob.replace(
    /\[(!?)([^\]]+)\]|[\s\S]/g,
    (piece, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\^]/g, '\\$&')}]`;
      if (piece === '*') return '[\\s\\S]*';
      if (piece === '?') return '[\\s\\S]';
      return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    },
  );
  try {
    return new RegExp(`^${pattern}$`).test(name);
  } catch {
    return false;
  }
}

export function reached(globs: readonly string[], names: readonly string[]): string[] {
  return names.filter((name) => !globs.length || globs.some((glob) => matches(glob, name)));
}

/** What everybody has, whatever a key's scopes say, and so no choice. */
const ALWAYS = new Set(['public', 'self.read']);

/** Permissions that a key of this person can be given. */
export function choices(permissions: readonly string[]): string[] {
  return permissions.filter((name) => !ALWAYS.has(name));
}

/** To call models, and nothing else. */
export const CALLS = ['models.read', 'models.use'];

export type Ends = 'never' | '30' | '90' | '365' | 'day';

/** `day` as an input of type date gives it: the key is good until its end, here. */
export function expiry(ends: Ends, day: string, now: Date = new Date()): string | null {
  if (ends === 'never') return null;
  if (ends !== 'day') return new Date(now.getTime() + Number(ends) * 86_400_000).toISOString();
  const [year, month, date] = day.split('-').map(Number);
  if (!year || !month || !date) return null;
  return new Date(year, month - 1, date, 23, 59, 59).toISOString();
}

/** Does it still open anything? */
export function isGood(key: Key): boolean {
  return key.state === 'active' || key.state === 'rotated';
}

const DAY_MS = 86_400_000;

/** It ends within a week: time to rotate it. */
export function endsSoon(key: Key, now: number = Date.now()): boolean {
  const end = key.state === 'rotated' ? key.valid_until : key.expires;
  return isGood(key) && !!end && new Date(end).getTime() - now < 7 * DAY_MS;
}
