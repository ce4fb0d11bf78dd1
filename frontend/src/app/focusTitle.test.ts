import { afterEach, expect, test } from 'vitest';
import { focusTitle } from './focusTitle';

const later = () => new Promise((next) => setTimeout(next, 120));
const show = (html: string) => {
  document.body.innerHTML = html;
};
const focused = () => document.activeElement?.id ?? '';
let end = () => {};

afterEach(() => end());

test('a title that comes late gets the focus, and keeps it when it is drawn anew', async () => {
  show('<main></main>');
  end = focusTitle();
  show('<main><h1 id="page-title" tabindex="-1">One</h1></main>');
  await later();
  expect(focused()).toBe('page-title');
  show('<main><h1 id="page-title" tabindex="-1">Two</h1></main>');
  await later();
  expect(document.activeElement?.textContent).toBe('Two');
});

test('what the page gives the focus itself, and who has gone on, keep it', async () => {
  show('<main></main>');
  end = focusTitle();
  show('<main><h1 id="page-title" tabindex="-1"></h1><input id="first"></main>');
  document.getElementById('first')?.focus();
  await later();
  expect(focused()).toBe('first');
  window.dispatchEvent(new Event('keydown'));
  show('<main><h1 id="page-title" tabindex="-1"></h1></main>');
  await later();
  expect(focused()).not.toBe('page-title');
});
