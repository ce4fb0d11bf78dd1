/** A device's memory as it was measured: ours, and what other programs have. */

import { useTranslation } from 'react-i18next';
import type { Device } from '@/api/schema';
import { MemoryBar } from '@/ui/MemoryBar';
import { deviceName, memoryOf } from './devices';

export function DeviceMemory({
  device,
  node,
  legend,
}: {
  device: Device;
  /** told where devices of several machines stand together */
  node?: string;
  legend?: boolean;
}) {
  const { t } = useTranslation();
  const { ours, others } = memoryOf(device);
  return (
    <MemoryBar
      label={node ? `${node} · ${deviceName(device)}` : deviceName(device)}
      total={device.memory_total}
      legend={legend}
      segments={[
        { label: t('nodes.ours'), bytes: ours, color: 'blue' },
        { label: t('nodes.others'), bytes: others, color: 'gray' },
      ]}
    />
  );
}
