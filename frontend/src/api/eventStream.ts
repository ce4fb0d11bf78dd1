/**
 * `text/event-stream`, piece by piece as it comes from the network. Browsers have a parser of their
 * own, which can neither POST nor show comments; a model that is still loading speaks in these.
 */

export type StreamItem = { kind: 'data'; data: string } | { kind: 'comment'; text: string };

export class EventStreamParser {
  private rest = '';
  private data: string[] = [];
  /** the last piece ended with CR: an LF that comes next belongs to it */
  private afterCR = false;

  /** What is complete by now. */
  push(piece: string): StreamItem[] {
    if (!piece) return [];
    const text = this.afterCR && piece.startsWith('\n') ? piece.slice(1) : piece;
    this.afterCR = piece.endsWith('\r');
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop() ?? '';
    const found: StreamItem[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.data.length) found.push({ kind: 'data', data: this.data.join('\n') });
        this.data = [];
      } else if (line.startsWith(':')) {
        found.push({ kind: 'comment', text: line.slice(1).trim() });
      } else if (line === 'data' || line.startsWith('data:')) {
        this.data.push(line.slice(5).replace(/^ /, ''));
      }
      // `event`, `id` and `retry` have no meaning here.
    }
    return found;
  }
}

/** What a stream says while its model is not there yet: `waiting for m: loading 40%, about 12 s left, position 3`. */
export type Waiting = {
  model: string;
  /** all places of a running model are taken */
  isBusy: boolean;
  /** 0 to 1; null: nothing is known yet */
  progress: number | null;
  secondsLeft: number | null;
  position: number;
};

export function readWaiting(comment: string): Waiting | null {
  const found = /^waiting for (.+): (.+), position (\d+)$/.exec(comment);
  if (!found) return null;
  const [, model = '', how = '', position] = found;
  const percent = /loading (\d+)%/.exec(how)?.[1];
  const left = /about (\d+) s left/.exec(how)?.[1];
  return {
    model,
    isBusy: how.includes('busy'),
    progress: percent === undefined ? null : Number(percent) / 100,
    secondsLeft: left === undefined ? null : Number(left),
    position: Number(position),
  };
}
