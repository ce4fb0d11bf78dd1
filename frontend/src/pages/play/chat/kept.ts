/**
 * Conversations of this browser: in its IndexedDB, nowhere else. Each person who logs in here has a
 * database of their own.
 */

import { queryOptions } from '@tanstack/react-query';
import { type Conversation, settled } from './conversation';

const STORE = 'conversations';
/** Removed while this page is open: what still waits to be written must not bring them back. */
const gone = new Set<string>();

async function opened(username: string): Promise<IDBDatabase> {
  const request = indexedDB.open(`xplatform.play.${username}`, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The browser keeps nothing.'));
  });
}

async function within<T>(
  username: string,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await opened(username);
  try {
    return await done(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

export const keptQuery = (username: string) =>
  queryOptions({
    queryKey: ['conversations', username],
    queryFn: async (): Promise<Conversation[]> => {
      const found = await within<Conversation[]>(username, 'readonly', (store) => store.getAll());
      return found.map(settled).sort((a, b) => b.changed - a.changed);
    },
    staleTime: 0,
  });

export async function keep(username: string, conversation: Conversation): Promise<unknown> {
  if (gone.has(conversation.id)) return;
  return within(username, 'readwrite', (store) => store.put(conversation));
}

export async function forget(username: string, id: string): Promise<unknown> {
  gone.add(id);
  try {
    return await within(username, 'readwrite', (store) => store.delete(id));
  } catch (problem) {
    gone.delete(id);
    throw problem;
  }
}

export function forgetAll(username: string): Promise<unknown> {
  return within(username, 'readwrite', (store) => store.clear());
}
