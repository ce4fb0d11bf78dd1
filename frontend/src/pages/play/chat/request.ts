/** A request as the server takes it, made of a conversation; and why it cannot be made. */

import type { Card } from '@/api/inference';
import { can, honoured } from '../parameters';
import { type Column, type Message, type Settings, shownAnswer } from './conversation';

export type ChatRequest = { model: string; messages: unknown[] } & Record<string, unknown>;

/** What is wrong with what was typed: names of texts in `play.settings`. */
export type Wrong = { field: 'tools' | 'schema'; why: 'notJson' | 'notTools' | 'notSchema' };

type Tool = { type: 'function'; function: { name: string } };

export function readTools(text: string): Tool[] | Wrong {
  if (!text.trim()) return [];
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { field: 'tools', why: 'notJson' };
  }
  const list = (Array.isArray(given) ? given : [given]).map((one) =>
    // A bare function is what most examples show.
    isObject(one) && !('function' in one) && 'name' in one ? { type: 'function', function: one } : one,
  );
  const fine = list.every(
    (one) => isObject(one) && isObject(one.function) && typeof one.function.name === 'string',
  );
  return fine ? (list as Tool[]) : { field: 'tools', why: 'notTools' };
}

export function readSchema(text: string): Record<string, unknown> | Wrong {
  try {
    const given: unknown = JSON.parse(text);
    return isObject(given) ? given : { field: 'schema', why: 'notSchema' };
  } catch {
    return { field: 'schema', why: 'notJson' };
  }
}

export function isWrong(found: unknown): found is Wrong {
  return isObject(found) && typeof found.why === 'string' && 'field' in found;
}

export function wrongs(settings: Settings): Wrong[] {
  const found: unknown[] = [readTools(settings.tools)];
  if (settings.format === 'json_schema') found.push(readSchema(settings.schema));
  return found.filter(isWrong);
}

export function makeRequest(column: Column, settings: Settings, card: Card | undefined): ChatRequest {
  const request: ChatRequest = { model: column.model, messages: [] };
  if (settings.system.trim()) request.messages.push({ role: 'system', content: settings.system });
  request.messages.push(...column.messages.flatMap(asSent));
  Object.assign(request, honoured(settings.values, card));
  const tools = readTools(settings.tools);
  if (!isWrong(tools) && tools.length && can(card, 'tools')) request.tools = tools;
  if (settings.format === 'json_object' && can(card, 'json_object'))
    request.response_format = { type: 'json_object' };
  if (settings.format === 'json_schema' && can(card, 'json_schema')) {
    const schema = readSchema(settings.schema);
    if (!isWrong(schema))
      request.response_format = { type: 'json_schema', json_schema: { name: 'answer', schema } };
  }
  request.stream = true;
  request.stream_options = { include_usage: true };
  return request;
}

/** What is set and this model would be refused for: it is left out, and the page says so. */
export function leftOut(settings: Settings, card: Card | undefined): string[] {
  const kept = honoured(settings.values, card);
  const all = honoured(settings.values, undefined);
  const names = Object.keys(all).filter((name) => !(name in kept));
  if (settings.tools.trim() && !can(card, 'tools')) names.push('tools');
  if (settings.format !== 'text' && !can(card, settings.format)) names.push('response_format');
  return names;
}

function asSent(message: Message): unknown[] {
  if (message.role === 'user')
    return [
      {
        role: 'user',
        content: message.images.length
          ? [
              ...(message.text ? [{ type: 'text', text: message.text }] : []),
              ...message.images.map((url) => ({ type: 'image_url', image_url: { url } })),
            ]
          : message.text,
      },
    ];
  if (message.role === 'tool') return [{ role: 'tool', tool_call_id: message.callId, content: message.text }];
  const answer = shownAnswer(message);
  // One that failed before its first word says nothing to go on from.
  if (!answer.text && !answer.calls.length) return [];
  const calls = answer.calls.map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }));
  return [
    {
      role: 'assistant',
      content: answer.text || null,
      ...(calls.length ? { tool_calls: calls } : {}),
    },
  ];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
