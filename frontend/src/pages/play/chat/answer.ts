/** An answer, put together of a stream's chunks. */

import type { ChatChunk } from '@/api/inference';
import type { Answer, ToolCall } from './conversation';

/** `now`: seconds since the request was sent. */
export function withChunk(answer: Answer, chunk: ChatChunk, now: number): Answer {
  const next = { ...answer };
  const choice = chunk.choices[0];
  if (choice) {
    const { content, reasoning_content: reasoning, tool_calls: calls } = choice.delta;
    if (content) next.text += content;
    if (reasoning) next.reasoning += reasoning;
    for (const piece of calls ?? []) next.calls = withPiece(next.calls, piece);
    if (next.firstAfter === null && (content || reasoning || calls?.length)) next.firstAfter = now;
    if (choice.finish_reason) {
      next.finish = choice.finish_reason;
      next.endedAfter = now;
    }
  }
  if (chunk.usage)
    next.usage = {
      prompt: chunk.usage.prompt_tokens,
      completion: chunk.usage.completion_tokens,
      cached: chunk.usage.prompt_tokens_details.cached_tokens,
    };
  return next;
}

type Piece = { index: number; id?: string; function: { name?: string; arguments?: string } };

function withPiece(calls: ToolCall[], piece: Piece): ToolCall[] {
  const next = [...calls];
  const before = next[piece.index] ?? { id: '', name: '', arguments: '' };
  next[piece.index] = {
    id: piece.id ?? before.id,
    name: before.name + (piece.function.name ?? ''),
    arguments: before.arguments + (piece.function.arguments ?? ''),
  };
  return next;
}

/** Seconds; in less it is the network and the page that are measured. */
const SHORTEST = 0.1;

/** Of what came after the first one; null where too little came to tell. */
export function tokensPerSecond(answer: Answer): number | null {
  const { usage, firstAfter, endedAfter } = answer;
  if (!usage || usage.completion < 2 || firstAfter === null || endedAfter === null) return null;
  const time = endedAfter - firstAfter;
  return time >= SHORTEST ? (usage.completion - 1) / time : null;
}
