/**
 * The playgrounds. A further one is a folder and an entry here: its name is the last word of its
 * address and the key of its texts.
 */

import { type IconAbc, IconBlockquote, IconChartScatter, IconMessages } from '@tabler/icons-react';
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import type { Card } from '@/api/inference';
import { can } from './parameters';

export type KindName = 'chat' | 'completion' | 'embedding';
export type Kind = {
  name: KindName;
  icon: typeof IconAbc;
  /** Can it be tried here? */
  fits: (card: Card) => boolean;
  Page: LazyExoticComponent<ComponentType<{ cards: Card[] }>>;
};

export const kinds: readonly Kind[] = [
  {
    name: 'chat',
    icon: IconMessages,
    fits: (card) => card.model_type === 'LLM' && can(card, 'chat'),
    Page: lazy(() => import('./chat/ChatPage')),
  },
  {
    name: 'completion',
    icon: IconBlockquote,
    fits: (card) => card.model_type === 'LLM' && can(card, 'completion'),
    Page: lazy(() => import('./completion/CompletionPage')),
  },
  {
    name: 'embedding',
    icon: IconChartScatter,
    fits: (card) => card.model_type === 'embedding',
    Page: lazy(() => import('./embedding/EmbeddingPage')),
  },
];

/** Those that run first, then those that a request starts. */
export function byReadiness(cards: readonly Card[]): Card[] {
  const rank = (card: Card) => ['ready', 'loading', 'starting', 'stopped'].indexOf(card.state);
  const place = (card: Card) => (rank(card) < 0 ? 9 : rank(card));
  return [...cards].sort((a, b) => place(a) - place(b) || a.id.localeCompare(b.id));
}

/** Where `/play` leads: to what runs; else to what a request would start. */
export function firstKind(cards: readonly Card[]): Kind | undefined {
  const [best] = byReadiness(cards.filter((card) => kinds.some((kind) => kind.fits(card))));
  return best && kinds.find((kind) => kind.fits(best));
}
