/** What a registration begins with, as the page's address says. */

import { asText, type Search } from '@/ui/useUrl';

export type RegisterSearch = {
  /** the draft that the page of sources left */
  draft: boolean;
  /** `kind/name` of a family to make a variant of */
  like: string;
};

export const readRegisterSearch = (search: Search): RegisterSearch => ({
  draft: search.draft === true,
  like: asText(search.like),
});
