/**
 * Events as they come, over one WebSocket that goes on where it broke off.
 *
 * Plain class without React: it keeps the last id, waits longer after each failure, and says what
 * state it is in. Whoever listens gets each event once, by rising id; `reset` means that all that
 * was known has to be loaded anew.
 */

import type { Event } from '@/api/schema';

export type LiveState = 'connecting' | 'live' | 'waiting' | 'refused';
export type Pulse = { type: 'pulse' } & Record<string, unknown>;
export type LiveMessage =
  | { type: 'event'; event: Event & { uid: string; project: string } }
  | { type: 'caught_up'; last_id: number }
  | { type: 'reset'; last_id: number }
  | Pulse;

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The server says something at least every 15 s; a socket that is silent for longer is dead. */
const SILENCE_MS = 45_000;
/**
 * Close codes that waiting does not cure: forbidden, no such project, bad request. Not 4401: it also
 * comes when a role or a password has changed, and who comes again is asked anew.
 */
const FINAL_CODES = new Set([4400, 4403, 4404]);

export class LiveSocket {
  private socket: WebSocket | null = null;
  private lastId: number | null = null;
  private wait = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  constructor(
    private readonly address: (after: number | null) => string,
    private readonly onMessage: (message: LiveMessage) => void,
    private readonly onState: (state: LiveState, code: number) => void,
    private readonly open: (address: string) => WebSocket = (address) => new WebSocket(address),
  ) {}

  start(): void {
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.socket?.close(1000);
    this.socket = null;
  }

  /** The network is back, or somebody looks at the page again: do not wait any longer. */
  hurry(): void {
    if (this.stopped || this.socket) return;
    clearTimeout(this.timer);
    this.connect();
  }

  private connect(): void {
    this.onState('connecting', 0);
    const socket = this.open(this.address(this.lastId));
    this.socket = socket;
    socket.onmessage = (message) => {
      this.hear();
      this.read(JSON.parse(String(message.data)) as LiveMessage);
    };
    socket.onopen = () => this.hear();
    socket.onclose = (closed) => {
      if (this.socket !== socket) return;
      this.socket = null;
      clearTimeout(this.silence);
      if (this.stopped) return;
      if (FINAL_CODES.has(closed.code)) {
        this.onState('refused', closed.code);
        return;
      }
      this.onState('waiting', closed.code);
      // Not all browsers of a company at the same moment, when its server is back.
      this.timer = setTimeout(() => this.connect(), this.wait * (0.7 + 0.6 * Math.random()));
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    };
  }

  private hear(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket?.close(4000), SILENCE_MS);
  }

  private read(message: LiveMessage): void {
    if (message.type === 'event') this.lastId = (message as { event: Event }).event.id;
    else if (message.type === 'caught_up' || message.type === 'reset') {
      this.lastId = (message as { last_id: number }).last_id;
      this.wait = FIRST_WAIT_MS;
      this.onState('live', 0);
    }
    this.onMessage(message);
  }
}
