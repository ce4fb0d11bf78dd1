import i18next from 'i18next';
import { beforeAll, expect, test } from 'vitest';
import zh from './locales/zh.json';
import { allInWords, enginesInWords, inWords } from './reasons';

beforeAll(async () => {
  i18next.addResourceBundle('zh', 'translation', zh);
  await i18next.changeLanguage('zh');
});

test('values are shown as the language does', () => {
  const disk = { code: 'no_disk_for_engine', params: { needs: 3 * 1024 ** 3, free: 512 * 1024 ** 2 } };
  expect(inWords(disk, 'English')).toBe('安装约需 3 GiB，仅剩 512 MiB。');
  const kind = { code: 'wrong_kind', params: { kinds: ['llm', 'embedding'], kind: 'image' } };
  expect(inWords(kind, 'English')).toBe('支持语言和嵌入模型，不支持图像模型');
  const download = { code: 'not_fetched', params: { name: 'a/b', error: 'disk_full' } };
  expect(inWords(download, 'English')).toBe('a/b：磁盘空间不足');
});

test('what the locale does not have stays in English', () => {
  const unheard = { code: 'of_a_newer_server', params: {} };
  const known = { code: 'needs_nvidia', params: {} };
  expect(inWords(unheard, 'English')).toBe('English');
  expect(inWords(null, 'English')).toBe('English');
  expect(allInWords([known, unheard], 'English')).toBe('English');
  expect(allInWords([], 'English')).toBe('English');
  expect(allInWords([known, known], 'English')).toBe('需要 NVIDIA GPU；需要 NVIDIA GPU');
});

test('engines with the same reason stand together', () => {
  const reasons = [
    { engines: ['vllm', 'sglang'], code: 'needs_nvidia', params: {} },
    { engines: ['mlx'], code: 'needs_apple', params: {} },
  ];
  expect(enginesInWords(reasons, 'English')).toBe('vllm, sglang：需要 NVIDIA GPU；mlx：需要 Apple 芯片');
});

test('a reason may have others in it', () => {
  const node = (why: unknown) => ({ code: 'node_refuses', params: { node: 'a', why } });
  const memory = { code: 'short_of_memory', params: { free: 1024 ** 3, needs: 3 * 1024 ** 3 } };
  const free = [{ code: 'free_on_device', params: { device: 'cuda:0', free: 0 } }];
  const devices = { code: 'short_on_devices', params: { free, needs: 1024 ** 3, count: 2 } };
  const nowhere = (...nodes: unknown[]) => ({ code: 'fits_nowhere', params: { nodes } });
  expect(inWords(nowhere(node(memory), node(devices)), 'English')).toBe(
    '没有合适的位置：节点 a 剩余内存 1 GiB，需要 3 GiB；节点 a 剩余 cuda:0 0 B，需要 2 张加速卡各 1 GiB。',
  );
  expect(inWords(nowhere(node({ code: 'unheard_of', params: {} })), 'English')).toBe('English');
});
