/** Links to pages that look like text or like buttons; their addresses are checked as those of <Link>. */

import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

type Plain<Props> = Props & Omit<ComponentPropsWithRef<'a'>, keyof Props>;

export const TextLink = createLink((props: Plain<AnchorProps>) => <Anchor size="sm" {...props} />);

export const ButtonLink = createLink((props: Plain<ButtonProps>) => <Button component="a" {...props} />);
