/** How much of a node's disk its model files take, and what may be taken. */

import { Card, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { FilesOfNode } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { MemoryBar } from '@/ui/MemoryBar';

export function NodeDisk({ node }: { node: FilesOfNode }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { used = 0, free = 0, limit, path } = node.disk;
  const speed = node.downloads.reduce((sum, one) => sum + one.speed, 0);
  return (
    <Card withBorder padding="sm">
      <MemoryBar
        label={node.node}
        total={limit ?? used + free}
        segments={[{ label: t('files.modelFiles'), bytes: used, color: 'blue' }]}
        note={t('files.used', { size: format.bytes(used) })}
      />
      <Group justify="space-between" gap="xs" mt={6}>
        <Text size="xs" c="dimmed">
          {limit
            ? t('files.ofLimit', { limit: format.bytes(limit) })
            : t('files.free', { size: format.bytes(free) })}
          {' · '}
          {t('files.entries', { count: node.cached.length })}
        </Text>
        {speed > 0 && <Text size="xs">{t('files.perSecond', { size: format.bytes(speed) })}</Text>}
      </Group>
      {path && (
        <Text size="xs" c="dimmed" ff="monospace" truncate title={path}>
          {path}
        </Text>
      )}
    </Card>
  );
}
