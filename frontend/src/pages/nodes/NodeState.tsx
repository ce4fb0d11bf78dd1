/** Whether a machine is heard of, and whether it takes models. */

import { Group } from '@mantine/core';
import type { Node } from '@/api/schema';
import { StateBadge } from '@/ui/StateBadge';

export function NodeState({ node }: { node: Node }) {
  return (
    <Group gap={4} wrap="nowrap">
      <StateBadge state={node.state} />
      {node.draining ? <StateBadge state="draining" /> : node.cordoned && <StateBadge state="cordoned" />}
    </Group>
  );
}
