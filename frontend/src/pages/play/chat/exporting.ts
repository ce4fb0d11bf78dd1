/** A conversation as a file. */

import { saveFile } from '@/ui/saveFile';
import { type Conversation, type Message, shownAnswer } from './conversation';

export function asJson(conversation: Conversation): string {
  return JSON.stringify(conversation, null, 2);
}

/** To be read by people: the answers that are shown, one model after another. */
export function asMarkdown(conversation: Conversation): string {
  const { settings, columns, title } = conversation;
  const parts = [`# ${title || columns.map((column) => column.model).join(', ')}`];
  if (settings.system) parts.push(`**system**\n\n${settings.system}`);
  for (const column of columns) {
    parts.push(`## ${column.model}`);
    for (const message of column.messages) parts.push(written(message));
  }
  return `${parts.join('\n\n')}\n`;
}

function written(message: Message): string {
  if (message.role === 'user')
    return ['**user**', ...message.images.map((url) => `![](${url})`), message.text].join('\n\n');
  if (message.role === 'tool') return `**tool ${message.name}**\n\n${fenced(message.text, '')}`;
  const answer = shownAnswer(message);
  const parts = ['**assistant**'];
  if (answer.reasoning) parts.push(`> ${answer.reasoning.trim().replaceAll('\n', '\n> ')}`);
  if (answer.text) parts.push(answer.isJson ? fenced(answer.text, 'json') : answer.text);
  for (const call of answer.calls) parts.push(fenced(`${call.name}(${call.arguments})`, ''));
  if (answer.error) parts.push(`*${answer.error}*`);
  return parts.join('\n\n');
}

/** A fence longer than any within. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

export function download(name: string, text: string, type: string): void {
  saveFile(name, new Blob([text], { type }));
}
