/** A text that a model went on with, put together of a stream's chunks; token by token where asked. */

import type { CompletionChunk } from '@/api/inference';

export type Token = {
  text: string;
  /** 0 to 1; null: the first token of an echoed prompt has none */
  probability: number | null;
  /** what else there could have been, likeliest first */
  others: { text: string; probability: number }[];
};
export type Completed = {
  text: string;
  tokens: Token[];
  finish: string | null;
  usage: { prompt: number; completion: number } | null;
  /** seconds */
  firstAfter: number | null;
  endedAfter: number | null;
};

export const NOTHING: Completed = {
  text: '',
  tokens: [],
  finish: null,
  usage: null,
  firstAfter: null,
  endedAfter: null,
};

/** `now`: seconds since the request was sent. */
export function withChunk(before: Completed, chunk: CompletionChunk, now: number): Completed {
  const next = { ...before };
  const choice = chunk.choices[0];
  if (choice) {
    next.text += choice.text;
    if (choice.logprobs) {
      const { tokens, token_logprobs: logs, top_logprobs: tops } = choice.logprobs;
      next.tokens = [
        ...before.tokens,
        ...tokens.map((text, index) => ({
          text,
          probability: probability(logs[index]),
          others: Object.entries(tops?.[index] ?? {})
            .map(([other, log]) => ({ text: other, probability: Math.exp(log) }))
            .sort((a, b) => b.probability - a.probability),
        })),
      ];
    }
    if (next.firstAfter === null && choice.text) next.firstAfter = now;
    if (choice.finish_reason) {
      next.finish = choice.finish_reason;
      next.endedAfter = now;
    }
  }
  if (chunk.usage)
    next.usage = { prompt: chunk.usage.prompt_tokens, completion: chunk.usage.completion_tokens };
  return next;
}

function probability(log: number | null | undefined): number | null {
  return log === null || log === undefined ? null : Math.exp(log);
}

export const LEVELS = [0.1, 0.3, 0.6, 0.9] as const;

/** 0: hardly to be expected, 4: nearly certain. */
export function levelOf(probability: number | null): number | null {
  return probability === null ? null : LEVELS.filter((limit) => probability >= limit).length;
}
