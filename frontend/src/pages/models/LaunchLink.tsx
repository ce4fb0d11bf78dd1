/** Leads to the launch page with what was chosen. */

import { Button, type ButtonProps } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

/** Search of the launch page. `source`: a repository as it was pasted, with its hub before it. */
export type Wanted = {
  kind?: string;
  name?: string;
  size?: string;
  format?: string;
  quantization?: string;
  engine?: string;
  path?: string;
  source?: string;
};

type Props = ButtonProps & { wanted: Wanted; children: ReactNode; 'aria-label'?: string };

export function LaunchLink({ wanted, ...button }: Props) {
  const search = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
  return (
    <Button {...button} renderRoot={(props) => <Link to="/launch" search={search as never} {...props} />} />
  );
}
