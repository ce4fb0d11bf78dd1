/** What can be done with a row of a table. */

import { ActionIcon, Menu, Text } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export type RowAction = {
  name: string;
  icon?: ReactNode;
  run: () => void;
  /** red: it takes something away */
  grave?: boolean;
  /** why it cannot be done now */
  hindered?: string;
};

export function RowMenu({ label, actions }: { label: string; actions: readonly (RowAction | false)[] }) {
  const shown = actions.filter((one): one is RowAction => !!one);
  if (!shown.length) return null;
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={label}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {shown.map((one) => (
          <Menu.Item
            key={one.name}
            leftSection={one.icon}
            color={one.grave ? 'red' : undefined}
            disabled={!!one.hindered}
            onClick={one.run}
            maw={320}
          >
            {one.name}
            {one.hindered && (
              <Text size="xs" span display="block">
                {one.hindered}
              </Text>
            )}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
