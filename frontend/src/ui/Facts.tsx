/** Names and values of one thing, below each other. */

import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

export function Facts({ label, facts }: { label: string; facts: readonly [string, ReactNode][] }) {
  return (
    <Table aria-label={label} layout="auto" verticalSpacing={6} withRowBorders={false}>
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" w="35%" fw={500} c="dimmed" ta="start" pl={0}>
              {name}
            </Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
