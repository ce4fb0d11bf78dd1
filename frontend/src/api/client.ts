/** The one way to the server: typed by its OpenAPI document, with errors of one kind. */

import createClient, { type Middleware } from 'openapi-fetch';
import { ApiError, asApiError, unreachable } from './errors';
import type { paths } from './schema';

/** What belongs to every request; the session sets it. */
export const sent = { csrfToken: '', project: '' };

type Listener = () => void;
const onLoggedOut = new Set<Listener>();

/** Told when the server no longer knows who we are. */
export function whenLoggedOut(listener: Listener): () => void {
  onLoggedOut.add(listener);
  return () => onLoggedOut.delete(listener);
}

const middleware: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && sent.csrfToken) request.headers.set('X-CSRFToken', sent.csrfToken);
    if (sent.project && !request.headers.has('X-Project')) request.headers.set('X-Project', sent.project);
    return request;
  },
  onResponse({ request, response }) {
    if (response.status === 401 && !new URL(request.url).pathname.startsWith('/api/session')) {
      for (const listener of onLoggedOut) listener();
    }
  },
};

export const api = createClient<paths>({ baseUrl: location.origin });
api.use(middleware);

type Answered<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

/** The data of an answer, or an ApiError thrown: `await data(api.GET('/api/nodes'))`. */
export async function data<T>(answered: Answered<T>): Promise<T> {
  let answer: Awaited<Answered<T>>;
  try {
    answer = await answered;
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw unreachable(cause);
  }
  if (!answer.response.ok) throw asApiError(answer.response, answer.error);
  return answer.data as T;
}
