/** Below what one sees first: models, devices, events. */

import { SimpleGrid } from '@mantine/core';
import { RecentEvents } from '@/pages/events/RecentEvents';
import { useMay } from '@/session/session';
import { Devices } from './Devices';
import { RunningModels } from './RunningModels';

export default function Details() {
  const may = useMay();
  return (
    <>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <RunningModels />
        {may('nodes.read') && <Devices />}
      </SimpleGrid>
      {may('events.read') && <RecentEvents />}
    </>
  );
}
