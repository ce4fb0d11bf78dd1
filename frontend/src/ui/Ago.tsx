/** How long ago something was, or how far ahead it is, kept true; the exact time when one points at it. */

import { useFormat } from '@/format/useFormat';
import { useNow } from './useNow';

const CLOCKS_DIFFER_MS = 10_000;

export function Ago({ at }: { at: string | Date }) {
  const format = useFormat();
  const now = useNow();
  const when = new Date(at);
  // What was written just now may be ahead of this clock by a little.
  const ahead = when.getTime() - now;
  return (
    <time dateTime={when.toISOString()} title={format.moment(when)}>
      {format.ago(when, ahead > 0 && ahead < CLOCKS_DIFFER_MS ? when.getTime() : now)}
    </time>
  );
}
