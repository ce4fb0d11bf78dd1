import type { QueryClient } from '@tanstack/react-query';

const LOOK_MS = 50;
const MOST_LOOKS = 200;

/** Until nothing is being changed; not for ever, should an answer never come. */
export async function changesEnded(client: QueryClient): Promise<void> {
  for (let look = 0; client.isMutating() && look < MOST_LOOKS; look += 1)
    await new Promise((next) => setTimeout(next, LOOK_MS));
}
