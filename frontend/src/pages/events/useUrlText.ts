/** Text that is typed, and comes into the address when one stops: the router is slower than fingers. */

import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';

const STOPPED_MS = 400;

export function useUrlText(
  given: string | undefined,
  change: (text: string | undefined) => void,
): [string, (text: string) => void] {
  const [text, setText] = useState(given ?? '');
  const tell = useDebouncedCallback((now: string) => change(now || undefined), {
    delay: STOPPED_MS,
    flushOnUnmount: false,
  });
  return [
    text,
    (now) => {
      setText(now);
      tell(now);
    },
  ];
}
