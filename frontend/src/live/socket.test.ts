import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Changes } from './changes';
import { type LiveMessage, LiveSocket } from './socket';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Wire {
  static all: Wire[] = [];
  onmessage: (message: { data: string }) => void = () => undefined;
  onopen: () => void = () => undefined;
  onclose: (closed: { code: number }) => void = () => undefined;
  constructor(readonly address: string) {
    Wire.all.push(this);
  }
  say(message: object) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  close(code: number) {
    this.onclose({ code });
  }
}

function connected() {
  Wire.all = [];
  const states: string[] = [];
  const heard: LiveMessage[] = [];
  const socket = new LiveSocket(
    (after) => `ws://x/?after=${after}`,
    (message) => heard.push(message),
    (state) => states.push(state),
    (address) => new Wire(address) as unknown as WebSocket,
  );
  socket.start();
  return { socket, states, heard, newest: () => Wire.all[Wire.all.length - 1] as Wire };
}

describe('a connection', () => {
  test('goes on behind the last event it had', () => {
    const { newest, states, heard } = connected();
    expect(newest().address).toBe('ws://x/?after=null');
    newest().say({ type: 'caught_up', last_id: 3 });
    newest().say({ type: 'event', event: { id: 7, subject: 'launch' } });
    newest().close(1012);
    vi.advanceTimersByTime(1000);
    expect(newest().address).toBe('ws://x/?after=7');
    newest().say({ type: 'reset', last_id: 2 });
    newest().close(1006);
    vi.advanceTimersByTime(1000);
    expect(newest().address).toBe('ws://x/?after=2');
    expect(heard).toHaveLength(3);
    expect(states).toEqual(['connecting', 'live', 'waiting', 'connecting', 'live', 'waiting', 'connecting']);
  });

  test('comes again after a change of role, not where it is forbidden', () => {
    const { newest, states } = connected();
    newest().close(4401);
    vi.advanceTimersByTime(60_000);
    expect(Wire.all.length).toBeGreaterThan(1);
    newest().close(4403);
    const tries = Wire.all.length;
    vi.advanceTimersByTime(600_000);
    expect(Wire.all).toHaveLength(tries);
    expect(states.at(-1)).toBe('refused');
  });

  test('that is silent for long is given up and made anew', () => {
    const { newest } = connected();
    newest().say({ type: 'caught_up', last_id: 1 });
    vi.advanceTimersByTime(60_000);
    expect(Wire.all.length).toBeGreaterThan(1);
    expect(newest().address).toBe('ws://x/?after=1');
  });

  test('that was stopped stays so', () => {
    const { socket } = connected();
    socket.stop();
    socket.hurry();
    vi.advanceTimersByTime(60_000);
    expect(Wire.all).toHaveLength(1);
  });
});

test('many events make one look, and none cancels the one before it', async () => {
  const client = new QueryClient();
  const asked = vi.fn(() => new Promise((done) => setTimeout(() => done([]), 1000)));
  await Promise.all([
    client.fetchQuery({ queryKey: ['nodes'], queryFn: asked }),
    vi.advanceTimersByTimeAsync(1000),
  ]);
  const looked = vi.spyOn(client, 'invalidateQueries');
  const changes = new Changes(client);
  const event = { type: 'event', event: { id: 1, subject: 'node a' } } as unknown as LiveMessage;
  for (let number = 0; number < 50; number += 1) changes.hear(event);
  vi.advanceTimersByTime(300);
  expect(looked.mock.calls.filter(([what]) => what?.queryKey?.[0] === 'nodes')).toHaveLength(1);
  const isFetching = vi.spyOn(client, 'isFetching').mockReturnValue(1);
  changes.hear(event);
  vi.advanceTimersByTime(3000);
  expect(looked.mock.calls.filter(([what]) => what?.queryKey?.[0] === 'nodes')).toHaveLength(1);
  isFetching.mockReturnValue(0);
  vi.advanceTimersByTime(300);
  expect(looked.mock.calls.filter(([what]) => what?.queryKey?.[0] === 'nodes')).toHaveLength(2);
});
