/** What a change changed: each thing's value before and after. */

export type Difference = { name: string; before: string; after: string; changed: boolean };

type Values = Record<string, unknown> | null | undefined;

export function differences(before: Values, after: Values): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
  return names.map((name) => {
    const [was, is] = [shown(before?.[name]), shown(after?.[name])];
    return { name, before: was, after: is, changed: was !== is };
  });
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
