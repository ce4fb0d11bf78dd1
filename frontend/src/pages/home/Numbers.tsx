/** What goes on now, in a few numbers; each leads to where there is more of it. */

import { Paper, SimpleGrid, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Overview } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { type Lines, latest } from '@/live/lines';
import { useMay } from '@/session/session';
import classes from './home.module.css';

export function Numbers({ overview, lines }: { overview: Overview; lines: Lines }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const { launches, queue, nodes, disks, files } = overview;
  const all = Object.values(launches).reduce((sum, some) => sum + some, 0);
  const of = (part: number, whole: number) =>
    t('home.tile.of', { part: format.count(part), all: format.count(whole) });
  const rate = (name: string) => format.count(latest(lines, name) ?? 0);
  const seconds = (name: string) => format.seconds(latest(lines, name));
  const tightest = disks.toSorted((a, b) => a.free - b.free)[0];
  const usage = may('usage.own') ? '/usage' : undefined;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} spacing="sm" component="dl" m={0}>
      <Tile to="/running" title={t('home.tile.models')} value={of(launches.ready ?? 0, all)}>
        {[
          launches.starting ? t('home.tile.starting', { count: launches.starting }) : '',
          launches.failed ? t('home.tile.failed', { count: launches.failed }) : '',
        ]
          .filter(Boolean)
          .join(' · ') || t('home.tile.modelsHelp')}
      </Tile>
      <Tile to={usage} title={t('home.tile.requests')} value={rate('requests')}>
        {t('home.tile.errors', { rate: rate('errors') })}
      </Tile>
      <Tile to={usage} title={t('home.tile.tokens')} value={rate('tokens_out')}>
        {t('home.tile.tokensIn', { rate: rate('tokens_in') })}
      </Tile>
      <Tile to="/running" title={t('home.tile.firstToken')} value={seconds('first_token_p50')}>
        {t('home.tile.slowest', { time: seconds('first_token_p95') })}
      </Tile>
      <Tile to="/running" title={t('home.tile.queue')} value={format.count(queue.waiting)}>
        {queue.waiting
          ? t('home.tile.oldest', { time: format.seconds(queue.oldest_seconds), running: queue.running })
          : t('home.tile.inProgress', { count: queue.running })}
      </Tile>
      {nodes && (
        <Tile to="/nodes" title={t('home.tile.nodes')} value={of(nodes.up, nodes.up + nodes.silent)}>
          {[
            nodes.cordoned ? t('home.tile.cordoned', { count: nodes.cordoned }) : '',
            nodes.draining ? t('home.tile.draining', { count: nodes.draining }) : '',
          ]
            .filter(Boolean)
            .join(' · ') || t('home.tile.nodesHelp')}
        </Tile>
      )}
      {tightest && (
        <Tile
          to={files ? '/files' : undefined}
          title={t('home.tile.disk')}
          value={format.bytes(tightest.free)}
        >
          {disks.length > 1
            ? t('home.tile.tightest', { node: tightest.node })
            : t('home.tile.cached', { bytes: format.bytes(tightest.used) })}
        </Tile>
      )}
      {files && (
        <Tile to="/files" title={t('home.tile.downloads')} value={format.count(files.downloads.running ?? 0)}>
          {t('home.tile.queued', {
            count: (files.downloads.queued ?? 0) + (files.downloads.paused ?? 0),
          })}
        </Tile>
      )}
    </SimpleGrid>
  );
}

function Tile({
  to,
  title,
  value,
  children,
}: {
  to?: string;
  title: string;
  value: string;
  children: ReactNode;
}) {
  return (
    <Paper withBorder p="sm" className={classes.tile} data-link={to ? true : undefined}>
      <Text component="dt" size="sm" c="dimmed">
        {to ? (
          <Link to={to} className={classes.cover}>
            {title}
          </Link>
        ) : (
          title
        )}
      </Text>
      <Text component="dd" m={0} fz={{ base: 20, xs: 26 }} fw={700} lh={1.3} className={classes.value}>
        {value}
      </Text>
      <Text component="dd" m={0} size="xs" c="dimmed">
        {children}
      </Text>
    </Paper>
  );
}
