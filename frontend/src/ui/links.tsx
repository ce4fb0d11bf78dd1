/** Links to pages that look like text or like buttons; their addresses are checked as those of <Link>. */

import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink, useRouter } from '@tanstack/react-router';
import { type ComponentPropsWithRef, type MouseEvent, type ReactNode, useMemo } from 'react';
import classes from './links.module.css';

type Plain<Props> = Props & Omit<ComponentPropsWithRef<'a'>, keyof Props>;

export const TextLink = createLink((props: Plain<AnchorProps>) => <Anchor size="sm" {...props} />);

export const ButtonLink = createLink((props: Plain<ButtonProps>) => <Button component="a" {...props} />);

/**
 * What makes a plain `<a>` lead to a page: the router is asked when it is pressed, not each time that one
 * of thousands comes into sight.
 */
export function usePlainLinks() {
  const router = useRouter();
  return useMemo(
    () => ({
      hrefOf: (to: string) => `${router.basepath}${to}`,
      follow: (event: MouseEvent<HTMLAnchorElement>) => {
        if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        router.history.push(event.currentTarget.getAttribute('href') ?? '');
      },
    }),
    [router],
  );
}

/** In long tables. */
export function RowLink({ to, children }: { to: string; children: ReactNode }) {
  const { hrefOf, follow } = usePlainLinks();
  return (
    <a href={hrefOf(to)} onClick={follow} className={classes.row}>
      {children}
    </a>
  );
}
