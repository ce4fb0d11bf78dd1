/** Which engine runs it: those that can, with what they take, and those that cannot, with the reason. */

import { Accordion, Badge, Group, Radio, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { nodesQuery } from '@/api/nodes';
import type { EngineEstimate } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { allInWords } from '@/i18n/reasons';
import { useMay } from '@/session/session';

type Props = {
  engines: readonly EngineEstimate[];
  engine: string;
  /** that a launch takes which names none */
  best: string | undefined;
  choose: (engine: string) => void;
  error: string | undefined;
};

export function EngineChoice({ engines, engine, best, choose, error }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const nodes = useQuery({ ...nodesQuery, enabled: may('nodes.read') }).data;
  const able = engines.filter((one) => one.reads);
  const unable = engines.filter((one) => !one.reads);
  const first = able[0];
  const form = (one: EngineEstimate) =>
    [one.size && `${one.size} B`, one.format, one.quantization]
      .filter((word) => word && word !== 'none')
      .join(' · ');
  return (
    <Stack gap="xs">
      <Radio.Group
        label={t('running.engine')}
        value={engine}
        onChange={choose}
        error={error}
        description={first ? undefined : t('launch.engine.none')}
      >
        <Stack gap={6} mt={6}>
          {first && (
            <Radio
              value=""
              label={t('launch.engine.best', { engine: best ?? first.engine })}
              description={t('launch.engine.bestHelp')}
            />
          )}
          {able.map((one) => (
            <Radio
              key={one.engine}
              value={one.engine}
              label={
                <Group gap="xs">
                  <span>{one.engine}</span>
                  {one.estimate && (
                    <Badge variant="light" color="gray" tt="none">
                      {format.bytes(one.estimate.total)}
                    </Badge>
                  )}
                  {nodes && !nodes.some((node) => node.engines[one.engine]) && (
                    <Badge variant="light" color="blue" tt="none">
                      {t('launch.engine.notInstalled')}
                    </Badge>
                  )}
                </Group>
              }
              description={[form(one), allInWords(one.reasons, one.reason)].filter(Boolean).join(' · ')}
            />
          ))}
        </Stack>
      </Radio.Group>
      {unable.length > 0 && (
        <Accordion variant="contained" chevronPosition="left" defaultValue={able.length ? null : 'unable'}>
          <Accordion.Item value="unable">
            <Accordion.Control>
              <Text size="sm">{t('launch.engine.unable', { count: unable.length })}</Text>
            </Accordion.Control>
            <Accordion.Panel>
              <Stack gap={4}>
                {unable.map((one) => (
                  <Text key={one.engine} size="sm">
                    <b>{one.engine}</b>: {allInWords(one.reasons, one.reason)}
                  </Text>
                ))}
              </Stack>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </Stack>
  );
}
