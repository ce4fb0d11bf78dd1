import { Badge, Button, Group, Progress, Stack, Table, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { environmentsQuery, useInstallEngine, useRemoveEnvironment } from '@/api/environments';
import type { EngineEnvironment, EngineInfo, EngineInstallation, EngineOnNode } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { allInWords } from '@/i18n/reasons';
import { useMay } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { wentWrong } from '@/ui/notify';
import { Part } from '@/ui/Part';
import { Empty, Loaded } from '@/ui/states';

const COLORS: Record<EngineOnNode['state'], string> = {
  ready: 'teal',
  installing: 'blue',
  missing: 'gray',
  partial: 'orange',
  unknown: 'gray',
};

export function Engines() {
  const { t } = useTranslation();
  const engines = useQuery(environmentsQuery);
  return (
    <Loaded query={engines} isEmpty={(all) => !all.length} empty={<Empty title={t('settings.noEngines')} />}>
      {(all) => (
        <Stack>
          {all.map((engine) => (
            <Engine key={engine.name} engine={engine} />
          ))}
        </Stack>
      )}
    </Loaded>
  );
}

function Engine({ engine }: { engine: EngineInfo }) {
  const { t } = useTranslation();
  const may = useMay();
  const install = useInstallEngine();
  if (!engine.available && !engine.nodes.length)
    return <Part title={engine.name} about={t('settings.notAvailable')} />;
  const missing = engine.nodes.filter((node) => node.state === 'missing' || node.state === 'partial');
  return (
    <Part
      title={`${engine.name} ${engine.version}`.trim()}
      about={engine.summary}
      actions={
        may('settings.write') &&
        missing.length > 1 && (
          <Button
            size="xs"
            variant="default"
            loading={install.isPending}
            onClick={() =>
              install.mutate(
                { engine: engine.name, node: '' },
                {
                  onSuccess: ({ failed }) => failed.map((one) => wentWrong(new Error(one.why))),
                  onError: wentWrong,
                },
              )
            }
          >
            {t('settings.installAll')}
          </Button>
        )
      }
    >
      <Table.ScrollContainer minWidth={560}>
        <Table aria-label={engine.name}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="20%">{t('settings.node')}</Table.Th>
              <Table.Th w="15%">{t('common.state')}</Table.Th>
              <Table.Th>{t('settings.versions')}</Table.Th>
              <Table.Th w={120}>{t('common.more')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {engine.nodes.map((node) => (
              <OnNode key={node.node} engine={engine.name} node={node} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Part>
  );
}

function OnNode({ engine, node }: { engine: string; node: EngineOnNode }) {
  const { t } = useTranslation();
  const may = useMay();
  const install = useInstallEngine();
  const remove = useRemoveEnvironment();
  const [removing, setRemoving] = useState<EngineEnvironment | null>(null);
  const canInstall = node.state === 'missing' || node.state === 'partial';
  return (
    <Table.Tr>
      <Table.Td>{node.node}</Table.Td>
      <Table.Td>
        <Badge variant="light" tt="none" color={COLORS[node.state]}>
          {t(`settings.states.${node.state}`)}
        </Badge>
      </Table.Td>
      <Table.Td>
        {node.installation && !node.installation.done && <Installation now={node.installation} />}
        {node.installation?.error && (
          <Text size="sm" c="red.8" role="alert">
            {node.installation.error}
          </Text>
        )}
        {node.environments.map((one) => (
          <Version key={one.version} one={one} remove={() => setRemoving(one)} />
        ))}
        {/* What failed last is often why it is incomplete. */}
        {node.why && node.why !== node.installation?.error && (
          <Text size="sm" c="dimmed">
            {allInWords(node.reasons, node.why)}
          </Text>
        )}
        <Confirm
          opened={!!removing}
          close={() => setRemoving(null)}
          title={t('settings.removeVersion', { engine, version: removing?.version ?? '', node: node.node })}
          action={t('common.remove')}
          run={async () =>
            removing && remove.mutateAsync({ engine, node: node.node, version: removing.version })
          }
        >
          {t('settings.removeVersionHelp')}
        </Confirm>
      </Table.Td>
      <Table.Td>
        {may('settings.write') && canInstall && (
          <Button
            size="compact-sm"
            leftSection={<IconDownload size={14} />}
            loading={install.isPending}
            onClick={() => install.mutate({ engine, node: node.node }, { onError: wentWrong })}
          >
            {t('settings.install')}
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function Installation({ now }: { now: EngineInstallation }) {
  const { t } = useTranslation();
  return (
    <div role="status">
      <Progress
        value={Math.round(now.fraction * 100)}
        animated
        aria-label={t('settings.states.installing')}
      />
      <Text size="xs" c="dimmed" truncate>
        {[now.stage, now.line].filter(Boolean).join(': ')}
      </Text>
    </div>
  );
}

function Version({ one, remove }: { one: EngineEnvironment; remove: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  return (
    <Group gap="xs">
      <Text size="sm">{one.version}</Text>
      <Text size="xs" c="dimmed">
        {format.bytes(one.size)}
      </Text>
      {one.current && (
        <Badge variant="light" tt="none" size="sm">
          {t('settings.current')}
        </Badge>
      )}
      {one.in_use && (
        <Badge variant="light" tt="none" size="sm" color="teal">
          {t('settings.inUse')}
        </Badge>
      )}
      {may('settings.write') && (
        <Button
          size="compact-xs"
          variant="light"
          color="red"
          disabled={one.in_use}
          title={one.in_use ? t('settings.inUseHelp') : undefined}
          onClick={remove}
        >
          {t('common.remove')}
        </Button>
      )}
    </Group>
  );
}
