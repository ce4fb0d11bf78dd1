/** Who made an event: a person by their name, the platform's own parts in words. */

import i18next from 'i18next';

export function whoDid(who: string): string {
  const node = /^node (.+)$/.exec(who)?.[1];
  if (node) return i18next.t('events.subject.node', { name: node });
  const key = `events.whos.${who}`;
  return i18next.exists(key) ? i18next.t(key as 'events.whos.control') : who;
}
