/** Numbers with units, and times in the reader's zone and language. */

/** Making one takes longer than using it a hundred times, and lists have thousands. */
const numbers = new Map<string, Intl.NumberFormat>();

function number(language: string, most: number, notation?: 'compact' | 'standard'): Intl.NumberFormat {
  const key = `${language} ${most} ${notation}`;
  const format =
    numbers.get(key) ?? new Intl.NumberFormat(language, { maximumFractionDigits: most, notation });
  numbers.set(key, format);
  return format;
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function bytes(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  let unit = 0;
  let rest = Math.abs(value);
  while (rest >= 1024 && unit < BYTES.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : 1;
  const text = number(language, digits).format(value < 0 ? -rest : rest);
  return `${text} ${BYTES[unit]}`;
}

export function count(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const isHuge = Math.abs(value) >= 100_000;
  const digits = Math.abs(value) >= 100 && !isHuge ? 0 : 1;
  return number(language, digits, isHuge ? 'compact' : 'standard').format(value);
}

/** With just so many digits behind the point: for columns of numbers. */
export function fixed(value: number | null | undefined, digits: number, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return new Intl.NumberFormat(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

export function percent(part: number, whole: number, language: string): string {
  if (!whole) return '–';
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(part / whole);
}

/** In a currency; small amounts keep what is not zero. */
export function money(value: number | null | undefined, currency: string, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const digits = value !== 0 && Math.abs(value) < 1 ? { maximumSignificantDigits: 3 } : {};
  try {
    return new Intl.NumberFormat(language, { style: 'currency', currency, ...digits }).format(value);
  } catch {
    // The setting is free text; what is no code of a currency stands behind the number.
    return `${new Intl.NumberFormat(language, { maximumFractionDigits: 2, ...digits }).format(value)} ${currency}`;
  }
}

/** A day, in the reader's words. */
export function day(at: string | Date, language: string, zone?: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: zone }).format(new Date(at));
}

/** `90` → 1 min 30 s; `0.02` → 20 ms. */
export function seconds(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const unit = (amount: number, name: string) =>
    new Intl.NumberFormat(language, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: 0,
    }).format(amount);
  if (value < 1) return unit(value * 1000, 'millisecond');
  if (value < 10)
    return new Intl.NumberFormat(language, {
      style: 'unit',
      unit: 'second',
      unitDisplay: 'short',
      maximumFractionDigits: 1,
    }).format(value);
  const whole = Math.round(value);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'day'],
    [Math.floor(whole / 3600) % 24, 'hour'],
    [Math.floor(whole / 60) % 60, 'minute'],
    [whole % 60, 'second'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, name]) => unit(amount, name))
    .join(' ');
}

const STEPS: readonly [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [3600, 'minute'],
  [86_400, 'hour'],
  [86_400 * 30, 'day'],
  [86_400 * 365, 'month'],
];

/** `3 minutes ago`. */
export function ago(at: string | Date, language: string, now: number = Date.now()): string {
  const past = (new Date(at).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  let unitSeconds = 1;
  for (const [limit, unit] of STEPS) {
    if (Math.abs(past) < limit) return format.format(Math.trunc(past / unitSeconds), unit);
    unitSeconds = limit;
  }
  return format.format(Math.trunc(past / unitSeconds), 'year');
}

/** Making one takes longer than using it a hundred times, and tables have thousands. */
const moments = new Map<string, Intl.DateTimeFormat>();

export function moment(at: string | Date, language: string): string {
  let format = moments.get(language);
  if (!format) {
    format = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
    moments.set(language, format);
  }
  return format.format(new Date(at));
}
