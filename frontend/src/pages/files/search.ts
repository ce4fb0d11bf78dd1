/** What the files' page shows, as its address says. */

import { asText, type Search } from '@/ui/useUrl';

export type FilesSearch = { q: string; node: string };

export const readFilesSearch = (search: Search): FilesSearch => ({
  q: asText(search.q),
  node: asText(search.node),
});
