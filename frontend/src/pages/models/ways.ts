/** Which form of a family is meant, where the address does not say all of it. */

import type { WayLine } from '@/api/schema';
import type { Chosen } from './search';

/** What was chosen; else a good beginning: the largest that fits, in the usual quantization. */
export function chosenWay(ways: readonly WayLine[], chosen: Chosen): WayLine | undefined {
  const meant = ways.filter((way) => isMeant(way, chosen));
  const said = !!(chosen.size || chosen.format || chosen.quantization);
  return best(meant) ?? (said ? undefined : ways[0]);
}

function isMeant(way: WayLine, chosen: Chosen): boolean {
  return (
    (!chosen.size || way.size === chosen.size) &&
    (!chosen.format || way.format === chosen.format) &&
    (!chosen.quantization || way.quantization === chosen.quantization)
  );
}

function best(ways: readonly WayLine[]): WayLine | undefined {
  const rank = (way: WayLine) => (way.fits ? 4 : 0) + (way.engines.length ? 2 : 0) + (way.usual ? 1 : 0);
  return ways.reduce<WayLine | undefined>((one, way) => {
    if (!one) return way;
    const [a, b] = [rank(one), rank(way)];
    return b > a || (a === b && way.fits && Number(way.size) > Number(one.size)) ? way : one;
  }, undefined);
}

export const wayId = (way: WayLine): string => [way.size, way.format, way.quantization].join(' ');
