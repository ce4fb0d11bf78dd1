/** What models write. Their HTML is shown as the text that it is; their links lead out. */

import { Anchor, Table } from '@mantine/core';
import { isValidElement, memo, type ReactNode } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { blocksOf } from './blocks';
import { CodeText } from './CodeText';
import classes from './play.module.css';

const components: Components = {
  a: ({ href, children }) => (
    <Anchor href={href} target="_blank" rel="noopener noreferrer nofollow" inherit underline="always">
      {children}
    </Anchor>
  ),
  // Nothing is loaded from elsewhere because a model says so.
  img: ({ src, alt }) => <code>{alt || (typeof src === 'string' ? src : '')}</code>,
  // A page has its own headings.
  h1: ({ children }) => <p className={classes.heading}>{children}</p>,
  h2: ({ children }) => <p className={classes.heading}>{children}</p>,
  h3: ({ children }) => <p className={classes.heading}>{children}</p>,
  h4: ({ children }) => <p className={classes.heading}>{children}</p>,
  h5: ({ children }) => <p className={classes.heading}>{children}</p>,
  h6: ({ children }) => <p className={classes.heading}>{children}</p>,
  table: ({ children }) => (
    <Table.ScrollContainer minWidth={200} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table withTableBorder withColumnBorders>
        {children}
      </Table>
    </Table.ScrollContainer>
  ),
  pre: ({ children }) => {
    const { text, language } = readCode(children);
    return <CodeText text={text} label={language || 'code'} />;
  },
};

function readCode(children: ReactNode): { text: string; language: string } {
  if (!isValidElement<{ children?: unknown; className?: string }>(children))
    return { text: String(children ?? ''), language: '' };
  const language = /language-(\S+)/.exec(children.props.className ?? '')?.[1] ?? '';
  return { text: String(children.props.children ?? '').replace(/\n$/, ''), language };
}

const plugins = [remarkGfm];

const Block = memo(function Block({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={plugins} components={components}>
      {text}
    </ReactMarkdown>
  );
});

function Markdown({ text }: { text: string }) {
  return (
    <div className={classes.markdown}>
      {blocksOf(text).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text only grows at its end
        <Block key={index} text={block} />
      ))}
    </div>
  );
}

export default memo(Markdown);
