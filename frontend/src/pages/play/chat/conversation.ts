/** A conversation with one model or several: what is kept, and how it changes. Plain data. */

import type { Values } from '../parameters';

export type ToolCall = { id: string; name: string; arguments: string };
export type Usage = { prompt: number; completion: number; cached: number };

export type UserMessage = { id: string; role: 'user'; text: string; images: string[] };
export type ToolMessage = { id: string; role: 'tool'; callId: string; name: string; text: string };
/** One text that a model gave; a message holds several where it was asked again. */
export type Answer = {
  text: string;
  /** JSON was asked for: it is no Markdown */
  isJson: boolean;
  reasoning: string;
  calls: ToolCall[];
  /** null: it is still coming */
  finish: string | null;
  error: string;
  usage: Usage | null;
  /** seconds until its first token, and until its end */
  firstAfter: number | null;
  endedAfter: number | null;
};
export type ModelMessage = { id: string; role: 'assistant'; answers: Answer[]; shown: number };
export type Message = UserMessage | ToolMessage | ModelMessage;

export type Column = { id: string; model: string; messages: Message[] };

export type Settings = {
  system: string;
  values: Values;
  /** JSON as it was typed: a list of tools */
  tools: string;
  format: 'text' | 'json_object' | 'json_schema';
  /** JSON as it was typed */
  schema: string;
};

export type Conversation = {
  id: string;
  title: string;
  changed: number;
  settings: Settings;
  columns: Column[];
};

export const MOST_COLUMNS = 4;
const TITLE = 60;

export const NO_SETTINGS: Settings = { system: '', values: {}, tools: '', format: 'text', schema: '' };

export function newId(): string {
  // Without TLS a browser has no randomUUID.
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36)).join('');
}

export function emptyAnswer(): Answer {
  return {
    text: '',
    isJson: false,
    reasoning: '',
    calls: [],
    finish: null,
    error: '',
    usage: null,
    firstAfter: null,
    endedAfter: null,
  };
}

export function newColumn(model: string): Column {
  return { id: newId(), model, messages: [] };
}

export function newConversation(models: string[], settings: Settings = NO_SETTINGS): Conversation {
  return { id: newId(), title: '', changed: Date.now(), settings, columns: models.map(newColumn) };
}

/** To try something else, with what was said so far kept. */
export function copyOf(conversation: Conversation): Conversation {
  const columns = conversation.columns.map((column) => ({ ...column, id: newId() }));
  return { ...conversation, id: newId(), changed: Date.now(), columns };
}

export function isEmpty(conversation: Conversation): boolean {
  return conversation.columns.every((column) => column.messages.length === 0);
}

export function titled(conversation: Conversation): Conversation {
  if (conversation.title) return conversation;
  for (const column of conversation.columns)
    for (const message of column.messages)
      if (message.role === 'user' && message.text.trim())
        return { ...conversation, title: message.text.trim().replace(/\s+/g, ' ').slice(0, TITLE) };
  return conversation;
}

export function withColumn(
  conversation: Conversation,
  id: string,
  change: (column: Column) => Column,
): Conversation {
  return {
    ...conversation,
    changed: Date.now(),
    columns: conversation.columns.map((column) => (column.id === id ? change(column) : column)),
  };
}

/** The same words to every model. */
export function said(conversation: Conversation, text: string, images: string[]): Conversation {
  const message: UserMessage = { id: newId(), role: 'user', text, images };
  return titled({
    ...conversation,
    changed: Date.now(),
    columns: conversation.columns.map((column) => ({ ...column, messages: [...column.messages, message] })),
  });
}

/** Said otherwise: all that followed it is gone, in every column that has it. */
export function saidOtherwise(conversation: Conversation, id: string, text: string): Conversation {
  return titled({
    ...conversation,
    title: '',
    changed: Date.now(),
    columns: conversation.columns.map((column) => {
      const at = column.messages.findIndex((message) => message.id === id);
      const message = column.messages[at];
      if (message?.role !== 'user') return column;
      return { ...column, messages: [...column.messages.slice(0, at), { ...message, text }] };
    }),
  });
}

/** A place for an answer at the end; behind `id` where that message is asked again. */
export function asked(column: Column, id?: string): Column {
  if (!id)
    return {
      ...column,
      messages: [...column.messages, { id: newId(), role: 'assistant', answers: [emptyAnswer()], shown: 0 }],
    };
  const at = column.messages.findIndex((message) => message.id === id);
  const message = column.messages[at];
  if (message?.role !== 'assistant') return column;
  const again = {
    ...message,
    answers: [...message.answers, emptyAnswer()],
    shown: message.answers.length,
  };
  return { ...column, messages: [...column.messages.slice(0, at), again] };
}

/** The column's last answer, as it comes. */
export function answered(column: Column, change: (answer: Answer) => Answer): Column {
  const last = column.messages.at(-1);
  if (last?.role !== 'assistant') return column;
  const answers = last.answers.map((answer, index) => (index === last.shown ? change(answer) : answer));
  return { ...column, messages: [...column.messages.slice(0, -1), { ...last, answers }] };
}

export function showing(column: Column, id: string, shown: number): Column {
  return {
    ...column,
    messages: column.messages.map((message) =>
      message.id === id && message.role === 'assistant' ? { ...message, shown } : message,
    ),
  };
}

export function resulted(column: Column, results: { call: ToolCall; text: string }[]): Column {
  const messages = results.map(
    ({ call, text }): ToolMessage => ({ id: newId(), role: 'tool', callId: call.id, name: call.name, text }),
  );
  return { ...column, messages: [...column.messages, ...messages] };
}

export function shownAnswer(message: ModelMessage): Answer {
  return message.answers[message.shown] ?? emptyAnswer();
}

/** What the model waits for: results of the tools that it called last. */
export function openCalls(column: Column): ToolCall[] {
  const last = column.messages.at(-1);
  if (last?.role !== 'assistant') return [];
  const answer = shownAnswer(last);
  return answer.finish === 'tool_calls' ? answer.calls : [];
}

/** A page that was closed in the middle has answers that come no more. */
export function settled(conversation: Conversation): Conversation {
  const end = (answer: Answer): Answer =>
    answer.finish === null ? { ...answer, finish: 'stopped' } : answer;
  return {
    ...conversation,
    columns: conversation.columns.map((column) => ({
      ...column,
      messages: column.messages.map((message) =>
        message.role === 'assistant' ? { ...message, answers: message.answers.map(end) } : message,
      ),
    })),
  };
}
