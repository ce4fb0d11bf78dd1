import i18next from 'i18next';
import { beforeAll, expect, test } from 'vitest';
import { ApiError, asApiError } from '@/api/errors';
import zh from '@/i18n/locales/zh.json';
import { detailOf, message, titleOf } from './problems';

beforeAll(async () => {
  i18next.addResourceBundle('zh', 'translation', zh);
  await i18next.changeLanguage('zh');
});

const answered = (code: string, reason?: unknown) =>
  asApiError(new Response(null, { status: 400 }), { error: { message: 'In English.', code, reason } });

test('a problem has the title of its code and the sentence of the server', () => {
  expect(titleOf(answered('not_found'))).toBe('内容不存在');
  expect(detailOf(answered('not_found'))).toBe('In English.');
  expect(message(answered('not_found'))).toBe('内容不存在：In English.');
  expect(message(answered('of_a_newer_server'))).toBe('In English.');
});

test('a reason takes the place of the English sentence', () => {
  const error = answered('too_many_attempts', { code: 'too_many_attempts', params: { seconds: 90 } });
  expect(message(error)).toBe('请在 1分钟 30秒后重试。');
  expect(message(answered('not_found', { code: 'of_a_newer_server', params: {} }))).toContain('In English.');
});

test('what went wrong on the way needs no detail', () => {
  expect(message(new ApiError('?', 0, 'unreachable'))).toBe('服务器没有响应');
  expect(message(new ApiError('?', 200, 'broken_stream'))).toBe('连接在回答中途断开。');
  expect(message(new Error('mine'))).toBe('mine');
});
