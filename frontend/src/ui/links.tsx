/** Links to pages that look like text or like buttons; their addresses are checked as those of <Link>. */

import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink, useRouter } from '@tanstack/react-router';
import type { ComponentPropsWithRef, MouseEvent, ReactNode } from 'react';
import classes from './links.module.css';

type Plain<Props> = Props & Omit<ComponentPropsWithRef<'a'>, keyof Props>;

export const TextLink = createLink((props: Plain<AnchorProps>) => <Anchor size="sm" {...props} />);

export const ButtonLink = createLink((props: Plain<ButtonProps>) => <Button component="a" {...props} />);

/** In long tables: the router is asked when it is pressed, not each time that a row comes into sight. */
export function RowLink({ to, children }: { to: string; children: ReactNode }) {
  const router = useRouter();
  const href = `${router.basepath}${to}`;
  const go = (event: MouseEvent) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    router.history.push(href);
  };
  return (
    <a href={href} onClick={go} className={classes.row}>
      {children}
    </a>
  );
}
