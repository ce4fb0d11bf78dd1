/** How long ago something was, kept true; the exact time when one points at it. */

import { useFormat } from '@/format/useFormat';
import { useNow } from './useNow';

export function Ago({ at }: { at: string | Date }) {
  const format = useFormat();
  const now = useNow();
  const when = new Date(at);
  return (
    <time dateTime={when.toISOString()} title={format.moment(when)}>
      {format.ago(when, Math.max(now, when.getTime()))}
    </time>
  );
}
