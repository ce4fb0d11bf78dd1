/** How alike texts are, by the angle between their vectors. */

export function cosine(a: readonly number[], b: readonly number[]): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let at = 0; at < a.length; at += 1) {
    const [x, y] = [a[at] ?? 0, b[at] ?? 0];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  const length = Math.sqrt(aa) * Math.sqrt(bb);
  return length === 0 ? 0 : Math.max(-1, Math.min(1, dot / length));
}

export function matrix(vectors: readonly (readonly number[])[]): number[][] {
  return vectors.map((a) => vectors.map((b) => cosine(a, b)));
}

/** The two different texts that are most alike. */
export function closest(all: readonly (readonly number[])[]): [number, number] | null {
  let best: [number, number] | null = null;
  let most = Number.NEGATIVE_INFINITY;
  for (const [row, values] of all.entries())
    for (const [column, value] of values.entries())
      if (column > row && value > most) {
        most = value;
        best = [row, column];
      }
  return best;
}

/** 0 to 4, between the least and the most alike of what is shown: small differences are what one looks for. */
export function level(value: number, least: number, most: number): number {
  if (most <= least) return 4;
  return Math.max(0, Math.min(4, Math.floor(((value - least) / (most - least)) * 5)));
}
