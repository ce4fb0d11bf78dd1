/** What is looked at, as the page's address says. */

import { asOneOf, asText, type Search } from '@/ui/useUrl';

export type AddSearch = {
  from: string;
  hub: '' | 'huggingface' | 'modelscope';
  quantization: string;
  node: string;
};

export const readAddSearch = (search: Search): AddSearch => ({
  from: asText(search.from),
  hub: asOneOf(search.hub, ['', 'huggingface', 'modelscope'], ''),
  quantization: asText(search.quantization),
  node: asText(search.node),
});
