/**
 * The access token for the routes of inference, which the session's cookie does not open. In memory
 * alone: whoever could read the browser's storage would have it else.
 */

import { api, data } from '@/api/client';
import type { PageToken as Given } from '@/api/schema';

/** What runs on a token ends with it, so each request begins with at least this part of its life. */
const FRESH = 0.5;

export class TokenOfPage {
  private token = '';
  private staleAt = 0;
  private asking: Promise<string> | null = null;

  constructor(
    private readonly ask: () => Promise<Given>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** One that is good for a while. Several who ask at once make one request. */
  get(): Promise<string> {
    if (this.token && this.now() < this.staleAt) return Promise.resolve(this.token);
    this.asking ??= this.renew().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  /** It was refused, or its session is over. A token that came meanwhile stays. */
  forget(token: string = this.token): void {
    if (token === this.token) this.token = '';
  }

  private async renew(): Promise<string> {
    const asked = this.now();
    const given = await this.ask();
    this.token = given.access_token;
    this.staleAt = asked + given.expires_in * 1000 * FRESH;
    return this.token;
  }
}

export const tokenOfPage = new TokenOfPage(() => data(api.POST('/api/session/token')));
