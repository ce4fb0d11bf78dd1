/** Fields of a request that a person sets by hand, and which of them a model honours. */

import type { Card } from '@/api/inference';

export type Values = {
  temperature?: number;
  max_tokens?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  presence_penalty?: number;
  frequency_penalty?: number;
  repetition_penalty?: number;
  seed?: number;
  stop?: string[];
  reasoning_effort?: string;
};
export type ParameterName = keyof Values;
export type NumberName = Exclude<ParameterName, 'stop' | 'reasoning_effort'>;

/** The limits are the server's (`apps/inference/openai/schema.py`). */
export const NUMBERS: readonly {
  name: NumberName;
  min: number;
  max?: number;
  step: number;
  /** what a request without it gets, where that is known */
  usual?: number;
}[] = [
  { name: 'temperature', min: 0, max: 2, step: 0.1, usual: 1 },
  { name: 'max_tokens', min: 1, step: 64 },
  { name: 'top_p', min: 0.01, max: 1, step: 0.05, usual: 1 },
  { name: 'top_k', min: 0, step: 1, usual: 0 },
  { name: 'min_p', min: 0, max: 1, step: 0.05, usual: 0 },
  { name: 'presence_penalty', min: -2, max: 2, step: 0.1, usual: 0 },
  { name: 'frequency_penalty', min: -2, max: 2, step: 0.1, usual: 0 },
  { name: 'repetition_penalty', min: 0.05, max: 10, step: 0.05, usual: 1 },
  { name: 'seed', min: 0, step: 1 },
];
export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

/** Would the server take it for this model? A model that says nothing yet is not judged. */
export function honours(card: Card | undefined, name: string): boolean {
  if (!card) return true;
  if (name === 'reasoning_effort') return can(card, 'reasoning');
  return card.parameters.length === 0 || card.parameters.includes(name);
}

/** What it cannot do is known once it has been ready. */
export function can(card: Card | undefined, ability: string): boolean {
  return !card || card.abilities.length === 0 || card.abilities.includes(ability);
}

/** Those that are set and honoured, as the request has them. */
export function honoured(values: Values, card: Card | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) =>
        value !== undefined && !(Array.isArray(value) && !value.length) && honours(card, name),
    ),
  );
}
