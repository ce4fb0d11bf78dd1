import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import Markdown from './Markdown';

const show = (text: string) =>
  render(
    <MantineProvider>
      <Markdown text={text} />
    </MantineProvider>,
  ).container;

test('nothing of what a model writes is run, loaded or taken for the page’s own', () => {
  const page = show(
    '# Title\n\n<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n![spy](http://elsewhere/x.png)\n\n[x](javascript:alert(1)) [y](https://example.org)',
  );
  expect(page.querySelector('script, img, iframe, h1')).toBeNull();
  expect(page.textContent).toContain('Title');
  expect(page.textContent).toContain('<script>alert(1)</script>');
  expect(page.innerHTML).not.toContain('javascript:');
  expect(screen.getByText('y').getAttribute('rel')).toContain('noopener');
});

test('tables and code are shown as such', () => {
  const page = show('| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint(1)\n```\n');
  expect(page.querySelectorAll('td')).toHaveLength(2);
  expect(screen.getByLabelText('python').textContent).toBe('print(1)');
  expect(screen.getByLabelText('Copy')).toBeTruthy();
});
