/** Lines of a log as a page keeps them: numbered from the first that it read, the oldest dropped. */

import type { Log } from '@/api/schema';

export const MOST_LINES = 50_000;

export type LogLines = {
  /** which process wrote them; another one begins anew */
  folder: string;
  node: string;
  lines: readonly string[];
  /** lines that were dropped before the first one here */
  dropped: number;
  /** where to go on */
  offset: number;
  size: number;
};

// What terminals take for colours.
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');

export function plain(line: string): string {
  return line.replace(COLOURS, '');
}

/** What is kept after an answer. It began anew when another process writes, or its file was put aside. */
export function continued(kept: LogLines | null, answer: Log, most = MOST_LINES): LogLines {
  const isNew = !kept || kept.folder !== answer.folder || answer.size < kept.offset;
  if (!isNew && !answer.lines.length)
    return kept.size === answer.size ? kept : { ...kept, size: answer.size };
  const lines = [...(isNew ? [] : kept.lines), ...answer.lines.map(plain)];
  const over = Math.max(0, lines.length - most);
  return {
    folder: answer.folder,
    node: answer.node,
    lines: over ? lines.slice(over) : lines,
    dropped: (isNew ? 0 : kept.dropped) + over,
    offset: answer.offset,
    size: answer.size,
  };
}

/** Places of the lines that have a text in them. */
export function found(lines: readonly string[], text: string): number[] {
  const wanted = text.toLowerCase();
  const places: number[] = [];
  if (wanted)
    lines.forEach((line, place) => {
      if (line.toLowerCase().includes(wanted)) places.push(place);
    });
  return places;
}
