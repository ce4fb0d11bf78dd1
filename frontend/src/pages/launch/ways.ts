/** What of a family can be chosen: sizes, formats and quantizations, and why some cannot. */

import type { WayLine } from '@/api/schema';
import { enginesInWords } from '@/i18n/reasons';

export type Choosable = {
  value: string;
  /** some engine runs it here */
  runs: boolean;
  fits: boolean;
  /** why it does not run or fit */
  reason: string;
  /** bytes that the smallest form takes; 0: nobody knows */
  memory: number;
};

type Field = 'size' | 'format' | 'quantization';

/** The values of one field among the forms that fit what else is chosen. */
export function choosable(
  ways: readonly WayLine[],
  field: Field,
  chosen: Partial<Record<Field, string>>,
): Choosable[] {
  const found = new Map<string, Choosable>();
  for (const way of ways) {
    const isWanted = (['size', 'format', 'quantization'] as const).every(
      (other) => other === field || !chosen[other] || way[other] === chosen[other],
    );
    if (!isWanted || !way[field]) continue;
    const runs = way.engines.length > 0;
    const before = found.get(way[field]);
    if (!before) {
      found.set(way[field], {
        value: way[field],
        runs,
        fits: way.fits,
        reason: enginesInWords(way.reasons, way.reason),
        memory: runs ? way.memory : 0,
      });
      continue;
    }
    // The best of its forms speaks for it.
    if (runs && !before.runs)
      Object.assign(before, {
        runs,
        reason: enginesInWords(way.reasons, way.reason),
        fits: way.fits,
        memory: way.memory,
      });
    else if (runs && way.fits && !before.fits)
      Object.assign(before, { fits: true, reason: '', memory: way.memory });
    else if (runs && way.fits === before.fits && way.memory && (!before.memory || way.memory < before.memory))
      before.memory = way.memory;
  }
  const all = [...found.values()];
  if (field === 'size') all.sort((a, b) => Number(a.value) - Number(b.value));
  return all;
}
