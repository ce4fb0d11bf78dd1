/** What the catalogue shows, as its address says. */

import { KINDS, type Kind } from '@/api/catalogue';
import { asOneOf, asText, type Search } from '@/ui/useUrl';

/** billions of parameters: at least, and less than */
export const SIZES = {
  tiny: [0, 1],
  small: [1, 4],
  medium: [4, 10],
  large: [10, 40],
  huge: [40, 100],
  giant: [100, Number.POSITIVE_INFINITY],
} as const;
export type SizeName = keyof typeof SIZES;
const SIZE_NAMES = Object.keys(SIZES) as SizeName[];

export type Filters = {
  q: string;
  kind: Kind | '';
  ability: string;
  size: SizeName | '';
  licence: string;
  /** only what runs on these machines */
  here: boolean;
  cached: boolean;
  mine: boolean;
};

export const readFilters = (search: Search): Filters => ({
  q: asText(search.q),
  kind: asOneOf(search.kind, ['', ...KINDS], ''),
  ability: asText(search.ability),
  size: asOneOf(search.size, ['', ...SIZE_NAMES], ''),
  licence: asText(search.licence),
  here: search.here === true,
  cached: search.cached === true,
  mine: search.mine === true,
});

export type Chosen = { size: string; format: string; quantization: string };

export const readChosen = (search: Search): Chosen => ({
  size: asText(search.size),
  format: asText(search.format),
  quantization: asText(search.quantization),
});
