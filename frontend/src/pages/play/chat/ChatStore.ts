/**
 * A conversation that goes on: requests that run, one for each column at most. Without React; it tells
 * at most some ten times a second, however fast the tokens come.
 */

import type { Waiting } from '@/api/eventStream';
import { type Card, type ChatChunk, stream } from '@/api/inference';
import { message } from '@/ui/problems';
import { withChunk } from './answer';
import {
  answered,
  asked,
  type Column,
  type Conversation,
  resulted,
  said,
  saidOtherwise,
  type ToolCall,
  withColumn,
} from './conversation';
import { makeRequest } from './request';

const TELL_MS = 80;
/** Of the time that showing takes: a very long answer is shown less often, and the page stays quick. */
const REST = 3;

/** Of a column whose answer is coming. */
export type Running = { waiting: Waiting | null };
export type ChatState = { conversation: Conversation; running: Readonly<Record<string, Running>> };

export class ChatStore {
  private state: ChatState;
  private readonly listeners = new Set<() => void>();
  private readonly aborts = new Map<string, AbortController>();
  private readonly ends = new Map<string, Promise<void>>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pause = TELL_MS;

  constructor(
    conversation: Conversation,
    private readonly card: (model: string) => Card | undefined,
    private readonly ask: typeof stream<ChatChunk> = stream,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.state = { conversation, running: {} };
  }

  readonly snapshot = (): ChatState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Another conversation, or a change of this one that asks nobody. */
  open(conversation: Conversation): void {
    if (conversation.id !== this.state.conversation.id) this.stopAll();
    for (const id of this.aborts.keys())
      if (!conversation.columns.some((column) => column.id === id)) void this.stop(id);
    this.set({ ...this.state, conversation });
  }

  change(change: (conversation: Conversation) => Conversation): void {
    this.open(change(this.state.conversation));
  }

  say(text: string, images: string[]): void {
    this.change((conversation) => said(conversation, text, images));
    for (const column of this.state.conversation.columns) this.begin(column.id);
  }

  async sayOtherwise(id: string, text: string): Promise<void> {
    const touched = this.state.conversation.columns.filter((column) =>
      column.messages.some((one) => one.id === id),
    );
    await Promise.all(touched.map((column) => this.stop(column.id)));
    this.change((conversation) => saidOtherwise(conversation, id, text));
    for (const column of touched) this.begin(column.id);
  }

  again(columnId: string, messageId: string): void {
    this.begin(columnId, messageId);
  }

  result(columnId: string, results: { call: ToolCall; text: string }[]): void {
    this.change((conversation) => withColumn(conversation, columnId, (column) => resulted(column, results)));
    this.begin(columnId);
  }

  /** The promise is kept once nothing more comes. */
  async stop(columnId: string): Promise<void> {
    this.aborts.get(columnId)?.abort();
    await this.ends.get(columnId);
  }

  stopAll(): void {
    for (const abort of this.aborts.values()) abort.abort();
  }

  private begin(columnId: string, messageId?: string): void {
    if (!this.ends.has(columnId)) this.ends.set(columnId, this.run(columnId, messageId));
  }

  private async run(columnId: string, messageId?: string): Promise<void> {
    const conversationId = this.state.conversation.id;
    const abort = new AbortController();
    this.aborts.set(columnId, abort);
    this.column(columnId, (column) => asked(column, messageId));
    this.mark(columnId, { waiting: null });
    const began = this.now();
    // An answer whose conversation is no longer shown has nowhere to go.
    const put = (change: Parameters<typeof answered>[1]) => {
      if (this.state.conversation.id === conversationId)
        this.column(columnId, (column) => answered(column, change));
    };
    let ended = 'stopped';
    let error = '';
    try {
      const column = this.find(columnId);
      // Without the place for the answer that was just made.
      const before = { ...column, messages: column.messages.slice(0, -1) };
      const request = makeRequest(before, this.state.conversation.settings, this.card(column.model));
      if (request.response_format) put((answer) => ({ ...answer, isJson: true }));
      await this.ask(
        '/v1/chat/completions',
        request,
        {
          onWaiting: (waiting) => this.mark(columnId, { waiting }),
          onChunk: (chunk) => {
            if (this.state.running[columnId]?.waiting) this.mark(columnId, { waiting: null });
            put((answer) => withChunk(answer, chunk, this.now() - began));
          },
        },
        abort.signal,
      );
    } catch (problem) {
      if (!abort.signal.aborted) {
        ended = 'error';
        error = message(problem);
      }
    }
    put((answer) => ({
      ...answer,
      error,
      finish: error ? ended : (answer.finish ?? ended),
      endedAfter: answer.endedAfter ?? this.now() - began,
    }));
    this.aborts.delete(columnId);
    this.ends.delete(columnId);
    const { [columnId]: _, ...running } = this.state.running;
    this.set({ ...this.state, running });
  }

  private find(columnId: string): Column {
    const found = this.state.conversation.columns.find((column) => column.id === columnId);
    if (!found) throw new Error('There is no such column.');
    return found;
  }

  private column(columnId: string, change: (column: Column) => Column): void {
    const conversation = withColumn(this.state.conversation, columnId, change);
    this.state = { ...this.state, conversation };
    this.timer ??= setTimeout(() => this.tell(), this.pause);
  }

  private mark(columnId: string, running: Running): void {
    this.set({ ...this.state, running: { ...this.state.running, [columnId]: running } });
  }

  private set(state: ChatState): void {
    this.state = state;
    this.tell();
  }

  private tell(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const began = this.now();
    for (const listener of this.listeners) listener();
    // The page is drawn before the next task.
    setTimeout(() => {
      this.pause = Math.max(TELL_MS, (this.now() - began) * 1000 * REST);
    });
  }
}
