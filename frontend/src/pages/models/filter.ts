/** Finds families among thousands while somebody types. */

import { KINDS } from '@/api/catalogue';
import type { FamilyLine } from '@/api/schema';
import { type Filters, SIZES } from './search';

/** A family with what is searched in it, made once. */
export type Entry = { line: FamilyLine; name: string; text: string };

export function entries(lines: readonly FamilyLine[]): Entry[] {
  return lines.map((line) => ({
    line,
    name: line.name.toLowerCase(),
    text: [line.name, line.description, line.licence, ...line.abilities, ...line.languages]
      .join('\n')
      .toLowerCase(),
  }));
}

export function filtered(all: readonly Entry[], filters: Filters): FamilyLine[] {
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter(
    ({ line, text }) => passes(line, filters) && words.every((word) => text.includes(word)),
  );
  return found
    .map((entry) => ({ entry, rank: rank(entry, words) }))
    .sort((a, b) => a.rank - b.rank || compare(a.entry, b.entry))
    .map(({ entry }) => entry.line);
}

function passes(line: FamilyLine, filters: Filters): boolean {
  return (
    (!filters.kind || line.kind === filters.kind) &&
    (!filters.ability || line.abilities.includes(filters.ability)) &&
    (!filters.licence || line.licence === filters.licence) &&
    (!filters.here || line.here.fits) &&
    (!filters.cached || line.cached === true) &&
    (!filters.mine || line.registered !== null) &&
    (!filters.size || line.sizes.some((size) => isWithin(Number(size), filters.size || 'tiny')))
  );
}

function isWithin(size: number, name: keyof typeof SIZES): boolean {
  const [least, below] = SIZES[name];
  return size >= least && size < below;
}

/** Names that begin so, then names that have it, then what only its description says. */
function rank({ name }: Entry, words: readonly string[]): number {
  return words.reduce((sum, word) => sum + (name.startsWith(word) ? 0 : name.includes(word) ? 1 : 2), 0);
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** One's own first, then what runs here, and what most people come for. */
function compare(a: Entry, b: Entry): number {
  return (
    Number(b.line.registered !== null) - Number(a.line.registered !== null) ||
    Number(b.line.here.fits) - Number(a.line.here.fits) ||
    KINDS.indexOf(a.line.kind) - KINDS.indexOf(b.line.kind) ||
    collator.compare(a.name, b.name)
  );
}

/** What there is to choose from, the most frequent first. */
export function choices(
  lines: readonly FamilyLine[],
  of: (line: FamilyLine) => readonly string[],
): { value: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const line of lines)
    for (const value of of(line)) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || collator.compare(a.value, b.value));
}

/** "0.6–235": the smallest and the largest. */
export function range(sizes: readonly string[]): string {
  const [first, last] = [sizes[0], sizes.at(-1)];
  return !first || !last ? '' : first === last ? first : `${first}–${last}`;
}
