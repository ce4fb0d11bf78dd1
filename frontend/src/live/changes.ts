/** Which kept answers an event makes old. Collected for a moment, so that fifty a second cost one look. */

import type { QueryClient } from '@tanstack/react-query';
import type { LiveMessage } from './socket';

const COLLECT_MS = 300;

/** First words of query keys, by what an event's subject begins with. */
const TOUCHES: Record<string, readonly string[]> = {
  launch: ['launches', 'cards', 'overview', 'files', 'engines'],
  replica: ['launches', 'cards', 'nodes', 'overview', 'files', 'engines'],
  node: ['nodes', 'overview', 'join-tokens'],
  model: ['launches', 'cards', 'overview'],
};
const ALWAYS = ['events'] as const;

export class Changes {
  private readonly touched = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: QueryClient) {}

  hear(message: LiveMessage): void {
    if (message.type === 'reset') {
      void this.client.invalidateQueries();
      return;
    }
    if (message.type !== 'event') return;
    const { subject } = (message as { event: { subject: string } }).event;
    const kind = subject.split(' ', 1)[0] ?? '';
    for (const key of [...(TOUCHES[kind] ?? ['launches', 'nodes', 'overview']), ...ALWAYS])
      this.touched.add(key);
    this.timer ??= setTimeout(() => this.flush(), COLLECT_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.touched.clear();
  }

  private flush(): void {
    this.timer = undefined;
    for (const key of [...this.touched]) {
      // One that is on its way is waited for: each would cancel the one before it, and none arrive.
      if (this.client.isFetching({ queryKey: [key] })) continue;
      this.touched.delete(key);
      void this.client.invalidateQueries({ queryKey: [key] });
    }
    if (this.touched.size) this.timer = setTimeout(() => this.flush(), COLLECT_MS);
  }
}
