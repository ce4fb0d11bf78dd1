/** Events that a page has, newest first, each once, and which of them are looked for. */

import type { EventChoice } from '@/api/events';
import type { LoggedEvent } from '@/api/schema';
import { inWords } from '@/i18n/reasons';
import type { EventsSearch } from './search';

/** More than so many are not kept; the oldest go first. */
export const MOST_KEPT = 20_000;

export function merged(
  kept: readonly LoggedEvent[],
  more: readonly LoggedEvent[],
  most = MOST_KEPT,
): readonly LoggedEvent[] {
  if (!more.length) return kept;
  const newest = kept[0]?.id ?? 0;
  const rising = more.every((event, index) => index === 0 || event.id > (more[index - 1]?.id ?? 0));
  // As events come one after the other.
  if (rising && (more[0]?.id ?? 0) > newest) return [...more.toReversed(), ...kept].slice(0, most);
  const all = new Map(kept.map((event) => [event.id, event]));
  for (const event of more) all.set(event.id, event);
  return [...all.values()].sort((a, b) => b.id - a.id).slice(0, most);
}

/** Would the server have sent it for this choice? */
export function isChosen(event: LoggedEvent, { model, node, replica }: EventChoice): boolean {
  return (
    (!model || event.uid === model) &&
    (!node || event.node === node) &&
    (!replica || event.replica === replica)
  );
}

const BAD = new Set(['failed', 'lost', 'silent', 'refused', 'pushed out']);

/** Did something go wrong? */
export function isBad(event: LoggedEvent): boolean {
  return BAD.has(event.after);
}

const words = new WeakMap<LoggedEvent, string>();

function textOf(event: LoggedEvent): string {
  let text = words.get(event);
  if (text === undefined) {
    const { uid, subject, node, before, after, who, project } = event;
    const why = inWords(event.why_told, event.why);
    text = [uid, subject, node, before, after, why, who, project].join(' ').toLowerCase();
    words.set(event, text);
  }
  return text;
}

/** Those of a kind, with all words of a text, that went wrong. */
export function filtered(
  events: readonly LoggedEvent[],
  { kind, text, bad }: Pick<EventsSearch, 'kind' | 'text' | 'bad'>,
): readonly LoggedEvent[] {
  const wanted = (text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  if (!kind && !bad && !wanted.length) return events;
  return events.filter(
    (event) =>
      (!kind || event.subject === kind || event.subject.startsWith(`${kind} `)) &&
      (!bad || isBad(event)) &&
      wanted.every((word) => textOf(event).includes(word)),
  );
}
