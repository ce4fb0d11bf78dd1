/** A log as it is written: its last lines, then what comes, as long as somebody looks. */

import { useCallback, useEffect, useState } from 'react';
import { ApiError } from '@/api/errors';
import { type LogSource, readLog } from '@/api/logs';
import { continued, type LogLines } from './logLines';

const FIRST_LINES = 2000;
const NEXT_LINES = 5000;
const PAUSE_MS = 1000;
const PAUSE_AFTER_ERROR_MS = 5000;

/** `waits`: one that is not there yet is asked for again, as while a model starts. */
export function useLog(source: LogSource, follow: boolean, waits = false) {
  const { model, replica, node, folder, file } = source;
  const [log, setLog] = useState<LogLines | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another source begins anew; so does a try
  useEffect(() => setLog(null), [model, replica, node, folder, file, tries]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` asks again
  useEffect(() => {
    const of: LogSource = { model, replica, node, folder, file };
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let kept: LogLines | null = null;
    const read = async () => {
      let pause = PAUSE_MS;
      try {
        if (!kept || !document.hidden) {
          const answer = await readLog(of, kept ? NEXT_LINES : FIRST_LINES, kept?.offset, stop.signal);
          // Another process of the same model: its offset is none of this file.
          const isOther = kept && kept.folder !== answer.folder;
          const fresh = isOther ? await readLog(of, FIRST_LINES, undefined, stop.signal) : answer;
          if (stop.signal.aborted) return;
          const before: LogLines | null = kept;
          kept = continued(before, fresh);
          const now = kept;
          setLog(now);
          setError(null);
          if (now.offset < now.size && now !== before) pause = 0;
        }
      } catch (problem) {
        if (stop.signal.aborted) return;
        setError(problem);
        const isMissing = problem instanceof ApiError && problem.status === 404;
        if (problem instanceof ApiError && !problem.isPassing && !(waits && isMissing)) return;
        pause = PAUSE_AFTER_ERROR_MS;
      }
      if (follow) timer = setTimeout(() => void read(), pause);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [model, replica, node, folder, file, follow, waits, tries]);

  const again = useCallback(() => setTries((before) => before + 1), []);
  return { log, error, again };
}

/** All of a log, from its beginning. */
export async function wholeLog(source: LogSource): Promise<Blob> {
  const parts: string[] = [];
  let offset = 0;
  for (;;) {
    const answer = await readLog(source, 10_000, offset);
    if (answer.lines.length) parts.push(`${answer.lines.join('\n')}\n`);
    if (answer.offset <= offset || answer.offset >= answer.size) break;
    offset = answer.offset;
  }
  return new Blob(parts, { type: 'text/plain' });
}
