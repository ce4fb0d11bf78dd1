/**
 * Languages. Each is one file in `locales/`, found by its name: a further language is a further file.
 * The keys of the English one are typed; a test holds the others to the same keys and placeholders.
 */

import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { bytes, seconds } from '@/format/format';
import { formats } from './reasons';

const LANGUAGE_KEY = 'xplatform.language';
/** Where each one's texts are: data that is fetched when it is chosen, not a part of the script. */
const files = import.meta.glob<string>('./locales/*.json', { query: '?url', import: 'default', eager: true });

/** Codes of all languages there are: `en`, `zh`, … */
export const languages = Object.keys(files)
  .map((path) => path.replace('./locales/', '').replace('.json', ''))
  .sort();

export function languageName(code: string): string {
  return new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code;
}

/** The chosen one, else the browser's first that we have. */
export function preferredLanguage(): string {
  const wanted = [localStorage.getItem(LANGUAGE_KEY), ...navigator.languages];
  for (const one of wanted) {
    const code = one?.split('-')[0] ?? '';
    if (languages.includes(code)) return code;
  }
  return 'en';
}

/** `load`: tests read the files themselves. */
export async function startLanguages(load: Load = fetched): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'none',
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  // In texts: `{{free, bytes}}`; `number` and `list` are there already.
  i18next.services.formatter?.add('bytes', (value, language) => bytes(value, language ?? 'en'));
  i18next.services.formatter?.add('seconds', (value, language) => seconds(value, language ?? 'en'));
  for (const [name, format] of Object.entries(formats)) i18next.services.formatter?.add(name, format);
  await show(preferredLanguage(), load);
}

export async function chooseLanguage(code: string): Promise<void> {
  localStorage.setItem(LANGUAGE_KEY, code);
  await show(code, fetched);
}

type Load = (code: string) => Promise<Record<string, unknown>>;

async function fetched(code: string): Promise<Record<string, unknown>> {
  const answer = await fetch(files[`./locales/${code}.json`] ?? '');
  if (!answer.ok) throw new Error(`The texts of ${code} could not be loaded.`);
  return answer.json();
}

async function show(code: string, load: Load): Promise<void> {
  if (!i18next.hasResourceBundle(code, 'translation')) {
    i18next.addResourceBundle(code, 'translation', await load(code));
  }
  await i18next.changeLanguage(code);
  document.documentElement.lang = code;
}
