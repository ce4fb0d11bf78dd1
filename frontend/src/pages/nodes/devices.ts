/** How a node's devices are shown. */

import type { Device, Node } from '@/api/schema';

/** `cuda:0 · NVIDIA H200` */
export function deviceName(device: Device): string {
  return [device.id, device.name].filter(Boolean).join(' · ');
}

/** What this platform and what other programs have of it. */
export function memoryOf(device: Device): { ours: number; others: number } {
  const others = Math.min(device.memory_foreign, device.memory_used);
  return { ours: device.memory_used - others, others };
}

export function devicesOf(node: Node): Device[] {
  return node.devices.devices ?? [];
}
