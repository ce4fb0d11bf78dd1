/** A conversation with its page: kept in the browser, named in the address, stopped when one leaves. */

import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Card } from '@/api/inference';
import { modelsOf, type PlaySearch, playSearch } from '../search';
import { ChatStore } from './ChatStore';
import { type Conversation, isEmpty, MOST_COLUMNS, newConversation } from './conversation';
import { keep, keptQuery } from './kept';

const KEEP_MS = 600;

export function useChat(username: string, first: Conversation, cards: Card[]) {
  const latest = useRef(cards);
  latest.current = cards;
  const [store] = useState(
    () => new ChatStore(first, (model) => latest.current.find((card) => card.id === model)),
  );
  const state = useSyncExternalStore(store.subscribe, store.snapshot);
  useEffect(() => () => store.stopAll(), [store]);
  useKept(username, state.conversation);
  useAddress(store, state.conversation, username);
  return { store, state };
}

/** Written every moment as long as it changes, and at once when one leaves. */
function useKept(username: string, conversation: Conversation): void {
  const client = useQueryClient();
  const [opened] = useState(conversation);
  const pending = useRef<Conversation | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    const before = pending.current;
    if (before && before.id !== conversation.id) {
      pending.current = null;
      void keep(username, before);
    }
    if (conversation === opened || isEmpty(conversation)) return;
    pending.current = conversation;
    // An answer that comes changes it all the time: the timer is not put off.
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const latest = pending.current;
      pending.current = null;
      if (latest)
        void keep(username, latest).then(() =>
          client.invalidateQueries({ queryKey: keptQuery(username).queryKey }),
        );
    }, KEEP_MS);
  }, [client, username, conversation, opened]);
  useEffect(() => {
    const now = () => {
      if (pending.current) void keep(username, pending.current);
      pending.current = null;
      clearTimeout(timer.current);
      timer.current = undefined;
    };
    window.addEventListener('pagehide', now);
    return () => {
      window.removeEventListener('pagehide', now);
      now();
    };
  }, [username]);
}

/** The address follows the conversation; a link to other models opens a new one. */
function useAddress(store: ChatStore, conversation: Conversation, username: string): void {
  const navigate = useNavigate();
  const client = useQueryClient();
  const search: PlaySearch = useSearch({ strict: false });
  const models = conversation.columns.map((column) => column.model);
  const own = playSearch({
    model: models,
    conversation: isEmpty(conversation) ? undefined : conversation.id,
  });
  const wanted = JSON.stringify(own);
  const written = useRef(JSON.stringify(playSearch(search)));

  useEffect(() => {
    if (written.current === wanted) return;
    written.current = wanted;
    void navigate({
      to: '/play/$what',
      params: { what: 'chat' },
      search: JSON.parse(wanted) as PlaySearch,
      replace: true,
    });
  }, [navigate, wanted]);

  const given = JSON.stringify(playSearch(search));
  useEffect(() => {
    if (given === written.current) return;
    written.current = given;
    const next = JSON.parse(given) as PlaySearch;
    const named = modelsOf(next.model).slice(0, MOST_COLUMNS);
    if (!next.conversation) {
      if (named.length) store.open(newConversation(named, store.snapshot().conversation.settings));
      return;
    }
    void client.fetchQuery(keptQuery(username)).then((all) => {
      const found = all.find((one) => one.id === next.conversation);
      if (found) store.open(found);
    });
  }, [client, given, store, username]);
}
