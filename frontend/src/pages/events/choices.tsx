/** A model or a node to choose, among those there are. */

import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import { nodesQuery } from '@/api/nodes';
import { useMay } from '@/session/session';

export type ChoiceProps = {
  value: string | undefined;
  choose: (value: string | undefined) => void;
  /** what stands there as long as nothing is chosen; else: all */
  none?: string;
};

export function ModelChoice({ value, choose, none }: ChoiceProps) {
  const { t } = useTranslation();
  const may = useMay();
  const query = useQuery({ ...launchesQuery, enabled: may('launches.read') });
  return (
    <OneOf
      label={t('events.model')}
      names={query.data?.map((launch) => launch.uid) ?? []}
      value={value}
      choose={choose}
      none={none}
    />
  );
}

export function NodeChoice({ value, choose, none }: ChoiceProps) {
  const { t } = useTranslation();
  const may = useMay();
  const query = useQuery({ ...nodesQuery, enabled: may('nodes.read') });
  if (!may('nodes.read')) return null;
  return (
    <OneOf
      label={t('events.node')}
      names={query.data?.map((node) => node.name) ?? []}
      value={value}
      choose={choose}
      none={none}
    />
  );
}

/** One that is gone, and is asked for by a link, is offered as well. */
function OneOf({ label, names, value, choose, none }: ChoiceProps & { label: string; names: string[] }) {
  const { t } = useTranslation();
  const all = value && !names.includes(value) ? [...names, value] : names;
  return (
    <Select
      size="sm"
      w={180}
      label={label}
      placeholder={none ?? t('common.all')}
      searchable
      clearable
      limit={200}
      data={all}
      value={value ?? null}
      onChange={(chosen) => choose(chosen ?? undefined)}
    />
  );
}
