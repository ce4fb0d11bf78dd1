/** Where replicas run, how many of them, and how long they stay. */

import { MultiSelect, NumberInput, Select, SimpleGrid, Stack, Switch, TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { nodesQuery } from '@/api/nodes';
import { useMay } from '@/session/session';
import type { Draft } from './draft';

export type Fields = {
  draft: Draft;
  set: (some: Partial<Draft>) => void;
  error: (field: string) => string | undefined;
};

export function ReplicaFields({ draft, set, error }: Fields) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <NumberInput
          label={t('launch.replicas.least')}
          description={t('launch.replicas.leastHelp')}
          min={0}
          allowDecimal={false}
          value={draft.least}
          onChange={(value) =>
            set({ least: Number(value) || 0, most: Math.max(draft.most, Number(value) || 1) })
          }
          error={error('min_replicas')}
        />
        <NumberInput
          label={t('launch.replicas.most')}
          description={t('launch.replicas.mostHelp')}
          min={1}
          allowDecimal={false}
          value={draft.most}
          onChange={(value) => set({ most: Number(value) || 1 })}
          error={error('max_replicas')}
        />
        <NumberInput
          label={t('launch.replicas.idle')}
          description={t('launch.replicas.idleHelp')}
          min={1}
          value={draft.idle ?? ''}
          onChange={(value) => set({ idle: value === '' ? null : Number(value) })}
          placeholder={t('launch.replicas.never')}
          error={error('idle_seconds')}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Switch
          label={t('launch.replicas.pinned')}
          description={t('launch.replicas.pinnedHelp')}
          checked={draft.pinned}
          onChange={(event) => set({ pinned: event.currentTarget.checked })}
        />
        <Switch
          label={t('launch.replicas.prewarm')}
          description={t('launch.replicas.prewarmHelp')}
          checked={draft.prewarm}
          onChange={(event) => set({ prewarm: event.currentTarget.checked })}
        />
      </SimpleGrid>
    </Stack>
  );
}

export function PlaceFields({ draft, set, error }: Fields) {
  const { t } = useTranslation();
  const may = useMay();
  const nodes = useQuery({ ...nodesQuery, enabled: may('nodes.read') }).data ?? [];
  const cards = nodes.flatMap((node) =>
    (node.devices.devices ?? []).filter((device) => device.kind !== 'cpu').map((device) => device.id),
  );
  const labels = nodes.flatMap((node) =>
    Object.entries(node.labels).map(([name, value]) => `${name}=${value}`),
  );
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <MultiSelect
        label={t('launch.place.nodes')}
        description={t('launch.place.nodesHelp')}
        placeholder={draft.nodes.length ? undefined : t('launch.place.anywhere')}
        data={nodes.map((node) => ({
          value: node.name,
          label:
            node.state === 'up' && !node.cordoned ? node.name : `${node.name} · ${t('launch.place.closed')}`,
          disabled: node.state !== 'up' || node.cordoned,
        }))}
        value={draft.nodes}
        onChange={(value) => set({ nodes: value })}
        error={error('placement.nodes')}
        clearable
      />
      <TagsInput
        label={t('launch.place.labels')}
        description={t('launch.place.labelsHelp')}
        placeholder={draft.labels.length ? undefined : 'zone=a'}
        data={[...new Set(labels)]}
        value={draft.labels}
        onChange={(value) => set({ labels: value })}
        error={error('placement.labels')}
      />
      <Select
        label={t('launch.place.count')}
        description={t('launch.place.countHelp')}
        data={[
          { value: 'auto', label: t('launch.place.auto') },
          { value: 'none', label: t('launch.place.none') },
          ...Array.from({ length: Math.max(8, new Set(cards).size) }, (_, index) => ({
            value: String(index + 1),
            label: String(index + 1),
          })),
        ]}
        value={String(draft.count)}
        onChange={(value) =>
          set({
            count: value === 'none' || value === 'auto' || value === null ? (value ?? 'auto') : Number(value),
          })
        }
        allowDeselect={false}
        error={error('placement.count') ?? error('placement')}
      />
      <MultiSelect
        label={t('launch.place.devices')}
        description={t(cards.length ? 'launch.place.devicesHelp' : 'launch.place.noDevices')}
        placeholder={draft.devices.length ? undefined : t('launch.place.anywhere')}
        data={[...new Set([...cards, ...draft.devices])]}
        value={draft.devices}
        onChange={(value) => set({ devices: value })}
        disabled={!cards.length && !draft.devices.length}
        error={error('placement.devices')}
        clearable
      />
    </SimpleGrid>
  );
}
