/**
 * A Markdown text in pieces that mean the same each by itself. While a long answer comes only its last
 * piece changes, and only that is read anew.
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
/** What may go on with a list, a quotation or a piece of code before the empty line. */
const GOES_ON = /^[\s\-*+>\d]/;
/** `[name]: …` counts in all of the text. */
const DEFINITION = /^ {0,3}\[[^\]\n]+\]:/m;

export function blocksOf(text: string): string[] {
  if (DEFINITION.test(text)) return [text];
  const blocks: string[] = [];
  let lines: string[] = [];
  let fence = '';
  let isAfterGap = false;
  for (const line of text.split('\n')) {
    if (isAfterGap && !fence && line && !GOES_ON.test(line)) {
      blocks.push(lines.join('\n'));
      lines = [];
    }
    const [, mark = '', rest = ''] = FENCE.exec(line) ?? [];
    if (fence) {
      if (mark.startsWith(fence) && !rest.trim()) fence = '';
    } else if (mark && !(mark.startsWith('`') && rest.includes('`'))) {
      fence = mark;
    }
    lines.push(line);
    isAfterGap = !line.trim();
  }
  return [...blocks, lines.join('\n')];
}
