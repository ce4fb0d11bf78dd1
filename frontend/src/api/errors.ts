/** What went wrong, as the server's error envelope says it: code and status, never parsed text. */

import type { Reason } from '@/i18n/reasons';

export class ApiError extends Error {
  constructor(
    message: string,
    /** 0: no answer at all */
    readonly status: number,
    readonly code: string,
    readonly param: string | null = null,
    readonly retryAfter: number | null = null,
    /** what the message says, for other languages */
    readonly reason: Reason | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Does it help to try the same again a little later? */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

type Envelope = { error?: { message?: unknown; code?: unknown; param?: unknown; reason?: unknown } };

export function asApiError(response: Response, body: unknown): ApiError {
  const error = (body as Envelope | undefined)?.error;
  const message =
    typeof error?.message === 'string' ? error.message : `${response.status} ${response.statusText}`;
  const code = typeof error?.code === 'string' ? error.code : `http_${response.status}`;
  const param = typeof error?.param === 'string' ? error.param : null;
  const after = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return new ApiError(
    message,
    response.status,
    code,
    param,
    Number.isFinite(after) ? after : null,
    asReason(error?.reason),
  );
}

function asReason(given: unknown): Reason | null {
  const { code, params } = (given ?? {}) as Partial<Reason>;
  return typeof code === 'string' && typeof params === 'object' ? { code, params: params ?? {} } : null;
}

export function unreachable(cause: unknown): ApiError {
  const error = new ApiError('The server does not answer.', 0, 'unreachable');
  error.cause = cause;
  return error;
}
