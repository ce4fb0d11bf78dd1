/** The routes of inference, `/v1`: with the page's token, and as streams. */

import { queryOptions } from '@tanstack/react-query';
import { tokenOfPage } from '@/session/token';
import { sent } from './client';
import { ApiError, asApiError, unreachable } from './errors';
import { EventStreamParser, readWaiting, type Waiting } from './eventStream';
import type {
  OpenAiChatCompletionChunk,
  OpenAiCompletion,
  OpenAiEmbeddingList,
  OpenAiModel,
  OpenAiModelList,
} from './schema';

export type Card = OpenAiModel;
export type ChatChunk = OpenAiChatCompletionChunk;
export type CompletionChunk = OpenAiCompletion;

/** What can be called: running, or started by the first request. */
export const cardsQuery = queryOptions({
  queryKey: ['cards'],
  queryFn: async ({ signal }): Promise<Card[]> => {
    const answer = await asked('/v1/models', { signal });
    return ((await answer.json()) as OpenAiModelList).data;
  },
});

export async function embed(
  body: { model: string; input: string[]; dimensions?: number },
  signal: AbortSignal,
): Promise<OpenAiEmbeddingList> {
  const answer = await asked('/v1/embeddings', posted(body, signal));
  return (await answer.json()) as OpenAiEmbeddingList;
}

type Listener<Chunk> = {
  /** the model is not there yet, or has no place */
  onWaiting: (waiting: Waiting) => void;
  onChunk: (chunk: Chunk) => void;
};

/** Ends when the answer does. Throws an ApiError, or the signal's AbortError. */
export async function stream<Chunk>(
  path: '/v1/chat/completions' | '/v1/completions',
  body: Record<string, unknown>,
  listener: Listener<Chunk>,
  signal: AbortSignal,
): Promise<void> {
  const answer = await asked(path, posted(body, signal));
  if (!answer.body) throw new ApiError('The answer has no body.', answer.status, 'no_body');
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventStreamParser();
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw signal.aborted ? cause : broken(cause);
    });
    if (done) break;
    for (const item of parser.push(value)) {
      if (item.kind === 'comment') {
        const waiting = readWaiting(item.text);
        if (waiting) listener.onWaiting(waiting);
      } else if (item.data === '[DONE]') {
        return;
      } else {
        const chunk = JSON.parse(item.data) as Chunk | { error: unknown };
        if (isError(chunk)) throw asApiError(answer, chunk);
        listener.onChunk(chunk);
      }
    }
  }
  // Only `[DONE]` says that all of it came.
  throw broken(null);
}

function isError(chunk: unknown): chunk is { error: unknown } {
  return typeof chunk === 'object' && chunk !== null && 'error' in chunk;
}

function broken(cause: unknown): ApiError {
  const error = new ApiError('The connection broke in the middle of the answer.', 0, 'broken_stream');
  error.cause = cause;
  return error;
}

function posted(body: unknown, signal: AbortSignal): RequestInit {
  return {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json' },
    signal,
  };
}

async function asked(path: string, init: RequestInit, isAgain = false): Promise<Response> {
  const token = await tokenOfPage.get();
  const headers = new Headers(init.headers);
  headers.set('Authorization', `Bearer ${token}`);
  if (sent.project) headers.set('X-Project', sent.project);
  let answer: Response;
  try {
    // No cookies: it is the token that counts here.
    answer = await fetch(path, { ...init, headers, credentials: 'omit' });
  } catch (cause) {
    throw init.signal?.aborted ? cause : unreachable(cause);
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && !isAgain) {
    // A new password, for instance: the session goes on, its token does not.
    tokenOfPage.forget(token);
    return asked(path, init, true);
  }
  throw asApiError(answer, await answer.json().catch(() => undefined));
}
