/** The devices that a replica may go to, each as it would be with one there. */

import type { Estimate, Node } from '@/api/schema';
import { type Draft, pairs } from './draft';

export type Bar = {
  id: string;
  label: string;
  total: number;
  used: number;
  /** what the replica takes there */
  more: number;
  fits: boolean;
};

type Place = Pick<Draft, 'nodes' | 'labels' | 'devices' | 'count'>;

export function barsOf(nodes: readonly Node[], estimate: Estimate | null, place: Place): Bar[] {
  const labels = Object.entries(pairs(place.labels));
  const bars: Bar[] = [];
  for (const node of nodes) {
    const isMeant = !place.nodes.length || place.nodes.includes(node.name);
    if (node.state !== 'up' || node.cordoned || !isMeant) continue;
    if (!labels.every(([name, value]) => node.labels[name] === value)) continue;
    const cards = (node.devices.devices ?? []).filter(
      (device) => device.kind !== 'cpu' && (!place.devices.length || place.devices.includes(device.id)),
    );
    const onCards = place.count !== 'none' && cards.length > 0 && (estimate?.device ?? 0) > 0;
    const share = typeof place.count === 'number' ? place.count : 1;
    if (onCards)
      for (const card of cards)
        bars.push(
          bar(
            `${node.name}/${card.id}`,
            `${node.name} · ${card.id} · ${card.name}`,
            card.memory_total,
            card.memory_used,
            (estimate?.device ?? 0) / share,
          ),
        );
    const total = node.devices.memory_total ?? 0;
    if (!total) continue;
    const used = total - (node.devices.memory_available ?? total);
    const host = onCards ? (estimate?.host ?? 0) : (estimate?.total ?? 0);
    // Beside accelerators the machine's memory is only of interest where it is what is short.
    const machine = bar(node.name, node.name, total, used, host);
    if (!onCards || !machine.fits) bars.push(machine);
  }
  return bars;
}

function bar(id: string, label: string, total: number, used: number, more: number): Bar {
  return { id, label, total, used, more, fits: used + more <= total };
}
