/** How far back a node's charts go, as its address says. */

export const SPANS = [15, 60, 360, 1440] as const;
export type Span = (typeof SPANS)[number];
export type NodeSearch = { minutes?: Span };

export const nodeSearch = (given: Record<string, unknown>): NodeSearch => ({
  minutes: SPANS.find((minutes) => minutes === given.minutes),
});
