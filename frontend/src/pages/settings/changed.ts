/** Of these values, those that are not what they were. */
export function changed<Values extends object>(before: Values, now: Partial<Values>): Partial<Values> {
  const same = (name: keyof Values) => JSON.stringify(now[name]) === JSON.stringify(before[name]);
  return Object.fromEntries(
    Object.entries(now).filter(([name]) => !same(name as keyof Values)),
  ) as Partial<Values>;
}
