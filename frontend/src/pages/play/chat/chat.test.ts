import { describe, expect, test } from 'vitest';
import type { Card, ChatChunk } from '@/api/inference';
import { curl, python, shortened } from '../code';
import { tokensPerSecond, withChunk } from './answer';
import {
  answered,
  asked,
  type Column,
  emptyAnswer,
  type ModelMessage,
  NO_SETTINGS,
  newColumn,
  newConversation,
  openCalls,
  resulted,
  said,
  saidOtherwise,
  settled,
  shownAnswer,
} from './conversation';
import { leftOut, makeRequest, wrongs } from './request';

const CARD: Card = {
  id: 'm',
  object: 'model',
  created: 0,
  owned_by: 'x',
  engine: 'e',
  state: 'ready',
  parent: null,
  model_type: 'LLM',
  start_seconds: null,
  context_length: 4096,
  abilities: ['chat'],
  parameters: ['temperature', 'stop'],
};

const chunk = (delta: object, finish: string | null = null, usage: object | null = null): ChatChunk =>
  ({ choices: [{ delta, finish_reason: finish, index: 0, logprobs: null }], usage }) as never;

const first = (column: Column | undefined) => {
  if (!column) throw new Error('no column');
  return column;
};

describe('an answer is put together', () => {
  test('of texts, thoughts and usage', () => {
    let answer = emptyAnswer();
    answer = withChunk(answer, chunk({ role: 'assistant', content: '' }), 0.5);
    expect(answer.firstAfter).toBeNull();
    answer = withChunk(answer, chunk({ reasoning_content: 'hm' }), 1);
    answer = withChunk(answer, chunk({ content: 'Hel' }), 2);
    answer = withChunk(answer, chunk({ content: 'lo' }, 'stop'), 3);
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 2 },
    };
    answer = withChunk(answer, { choices: [], usage } as never, 9);
    expect(answer).toMatchObject({
      text: 'Hello',
      reasoning: 'hm',
      finish: 'stop',
      firstAfter: 1,
      endedAfter: 3,
    });
    expect(answer.usage).toEqual({ prompt: 5, completion: 9, cached: 2 });
    expect(tokensPerSecond(answer)).toBe(4);
  });

  test('of pieces of calls', () => {
    let answer = emptyAnswer();
    for (const piece of [
      { index: 0, id: 'a', type: 'function', function: { name: 'add', arguments: '' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'sub', arguments: '{"x"' } },
      { index: 0, function: { arguments: '{}' } },
      { index: 1, function: { arguments: ':1}' } },
    ])
      answer = withChunk(answer, chunk({ tool_calls: [piece] }), 1);
    expect(answer.calls).toEqual([
      { id: 'a', name: 'add', arguments: '{}' },
      { id: 'b', name: 'sub', arguments: '{"x":1}' },
    ]);
  });
});

describe('a conversation', () => {
  const asks = () => {
    const started = said(newConversation(['m', 'n'], NO_SETTINGS), 'Hello  there', []);
    return { ...started, columns: started.columns.map((column) => asked(column)) };
  };

  test('is titled by its first words, and settled when it is read again', () => {
    const conversation = asks();
    expect(conversation.title).toBe('Hello there');
    const message = settled(conversation).columns[0]?.messages[1] as ModelMessage;
    expect(shownAnswer(message).finish).toBe('stopped');
  });

  test('asked again keeps the answer that was there', () => {
    let column = first(asks().columns[0]);
    column = answered(column, (answer) => ({ ...answer, text: 'one', finish: 'stop' }));
    column = asked(column, column.messages[1]?.id);
    column = answered(column, (answer) => ({ ...answer, text: 'two' }));
    const message = column.messages[1] as ModelMessage;
    expect(message.answers.map((answer) => answer.text)).toEqual(['one', 'two']);
    expect(shownAnswer(message).text).toBe('two');
  });

  test('said otherwise begins anew from there, in every column', () => {
    const conversation = asks();
    const id = conversation.columns[0]?.messages[0]?.id ?? '';
    const changed = saidOtherwise(conversation, id, 'Bye');
    for (const column of changed.columns)
      expect(column.messages).toEqual([{ id, role: 'user', text: 'Bye', images: [] }]);
  });

  test('answers calls of tools', () => {
    const call = { id: 'c', name: 'add', arguments: '{}' };
    let column = answered(first(asks().columns[0]), (answer) => ({
      ...answer,
      calls: [call],
      finish: 'tool_calls',
    }));
    expect(openCalls(column)).toEqual([call]);
    column = resulted(column, [{ call, text: '3' }]);
    expect(openCalls(column)).toEqual([]);
    expect(makeRequest(column, NO_SETTINGS, CARD).messages).toEqual([
      { role: 'user', content: 'Hello  there' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'add', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '3' },
    ]);
  });
});

describe('a request', () => {
  const settings = {
    ...NO_SETTINGS,
    system: 'Be brief.',
    values: { temperature: 0, top_k: 5, stop: [], reasoning_effort: 'low' },
    tools: '{"name": "add", "parameters": {}}',
    format: 'json_schema' as const,
    schema: '{"type": "object"}',
  };
  const column = {
    ...newColumn('m'),
    messages: [{ id: '1', role: 'user' as const, text: 'x', images: ['data:i'] }],
  };

  test('has all that is set where the model says nothing yet', () => {
    expect(makeRequest(column, settings, undefined)).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'x' },
            { type: 'image_url', image_url: { url: 'data:i' } },
          ],
        },
      ],
      temperature: 0,
      top_k: 5,
      reasoning_effort: 'low',
      tools: [{ type: 'function', function: { name: 'add', parameters: {} } }],
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('leaves out what the model would be refused for, and says so', () => {
    const request = makeRequest(column, settings, CARD);
    expect(Object.keys(request)).toEqual(['model', 'messages', 'temperature', 'stream', 'stream_options']);
    expect(leftOut(settings, CARD)).toEqual(['top_k', 'reasoning_effort', 'tools', 'response_format']);
  });

  test('is not made of what is no JSON, no tool, no schema', () => {
    const of = (tools: string, schema: string) =>
      wrongs({ ...settings, tools, schema }).map((one) => one.why);
    expect(of('[', '{')).toEqual(['notJson', 'notJson']);
    expect(of('[{"type": "function"}]', '[]')).toEqual(['notTools', 'notSchema']);
    expect(of('', '{}')).toEqual([]);
  });

  test('can be copied', () => {
    const body = { model: 'm', messages: [{ role: 'user', content: "It's" }], top_k: 5, stream: true };
    expect(curl('chat', body, 'http://h')).toContain('curl -N http://h/v1/chat/completions \\\n');
    expect(curl('chat', body, 'http://h')).toContain(`"It'\\''s"`);
    const code = python('chat', body, 'http://h');
    expect(code).toContain('    stream=True,\n    extra_body={\n        "top_k": 5,\n    },\n)');
    const long = `data:image/png;base64,${'A'.repeat(500)}`;
    expect(shortened(long)).toHaveLength(63);
  });
});
