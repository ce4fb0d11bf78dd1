import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useFocusBack } from './useFocusBack';

function Dialog({ name }: { name: string }) {
  useFocusBack();
  return (
    <div role="dialog">
      <button id={name} type="button" />
    </div>
  );
}

type Shown = { dialog?: string; menu?: boolean; opener?: boolean };

function Place({ dialog, menu = false, opener = true }: Shown) {
  return (
    <>
      <h1 id="page-title" tabIndex={-1}>
        Title
      </h1>
      {opener && <button id="opener" type="button" />}
      {menu && (
        <div role="menu" aria-labelledby="opener">
          <button id="item" type="button" role="menuitem" />
        </div>
      )}
      {dialog && <Dialog key={dialog} name={dialog} />}
    </>
  );
}

let root: Root;
const show = (shown: Shown) => act(() => root.render(<Place {...shown} />));
const focus = (id: string) => document.getElementById(id)?.focus();
const focused = () => {
  vi.runAllTimers();
  return document.activeElement?.id;
};

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.useFakeTimers();
  root = createRoot(document.body.appendChild(document.createElement('div')));
});

afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('to what opened it, though an item of a menu that is gone', () => {
  show({ menu: true });
  focus('item');
  show({ menu: true, dialog: 'first' });
  focus('first');
  show({});
  expect(focused()).toBe('opener');
});

test('to what opened the one before it', () => {
  show({});
  focus('opener');
  show({ dialog: 'first' });
  focus('first');
  show({ dialog: 'second' });
  focus('second');
  show({});
  expect(focused()).toBe('opener');
});

test('to the title where what opened it is gone, and nowhere while something else has it', () => {
  show({});
  focus('opener');
  show({ dialog: 'first' });
  focus('first');
  show({ opener: false });
  expect(focused()).toBe('page-title');
  show({ dialog: 'second' });
  focus('opener');
  show({});
  expect(focused()).toBe('opener');
});
