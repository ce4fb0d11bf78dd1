/** The frame of what is shown to those who are not in yet. */

import { Center, Group, Paper, Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import icon from '@/app/icon.svg';

export function Entrance({ title, children }: { title: string; children: ReactNode }) {
  useDocumentTitle(`${title} · xplatform`);
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder shadow="sm" p="xl" w={400} maw="100%">
        <Stack>
          <Group gap="sm">
            <img src={icon} alt="" width={32} height={32} />
            <Title order={1} size="h3">
              {title}
            </Title>
          </Group>
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}
