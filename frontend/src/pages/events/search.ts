/** What the addresses of events and logs choose: whoever opens the link sees the same. */

type Given = Record<string, unknown>;

const word = (value: unknown) =>
  typeof value === 'string' && value
    ? value.slice(0, 200)
    : typeof value === 'number'
      ? String(value)
      : undefined;

export type EventsSearch = {
  model?: string;
  node?: string;
  replica?: string;
  /** launch, replica, node, … */
  kind?: string;
  text?: string;
  /** only what went wrong */
  bad?: true;
};

export const eventsSearch = (given: Given): EventsSearch => ({
  model: word(given.model),
  node: word(given.node),
  replica: word(given.replica),
  kind: word(given.kind),
  text: word(given.text),
  bad: given.bad === true ? true : undefined,
});

export type LogsSearch = {
  model?: string;
  replica?: string;
  node?: string;
  folder?: string;
  file?: 'log' | 'output';
  text?: string;
};

export const logsSearch = (given: Given): LogsSearch => ({
  model: word(given.model),
  replica: word(given.replica),
  node: word(given.node),
  folder: word(given.folder),
  file: given.file === 'log' || given.file === 'output' ? given.file : undefined,
  text: word(given.text),
});
