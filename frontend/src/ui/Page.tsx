/** The frame of every page: its title, what can be done, and nothing it may not show. */

import { Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { type Action, useMay, useMe } from '@/session/session';
import { NoPermission } from './states';

type Props = {
  title: string;
  /** one sentence below it */
  about?: ReactNode;
  /** buttons at its right */
  actions?: ReactNode;
  /** what one needs to be let in here */
  needs?: Action;
  children: ReactNode;
};

export function Page({ title, about, actions, needs, children }: Props) {
  useDocumentTitle(`${title} · xplatform`);
  const may = useMay();
  const me = useMe();
  return (
    <Stack gap="md" component="section" aria-labelledby="page-title">
      <Group justify="space-between" align="flex-start" wrap="wrap">
        <div>
          <Title order={1} size="h2" id="page-title" tabIndex={-1}>
            {title}
          </Title>
          {about && (
            <Text c="dimmed" size="sm" maw={720} component="div">
              {about}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {needs && me && !may(needs) ? <NoPermission action={needs} /> : children}
    </Stack>
  );
}
