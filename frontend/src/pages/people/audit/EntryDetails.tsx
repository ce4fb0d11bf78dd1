import { Badge, Code, Stack, Table, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Entry } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { Facts } from '@/ui/Facts';
import { Side } from '@/ui/FormDrawer';
import { differences } from './difference';
import classes from './EntryDetails.module.css';

export function EntryDetails({ entry, close }: { entry: Entry; close: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rows = differences(entry.before, entry.after);
  return (
    <Side title={entry.action} close={close} size="lg">
      <Stack>
        <Facts
          label={entry.action}
          facts={[
            [t('audit.outcome'), <OutcomeBadge key="outcome" outcome={entry.outcome} />],
            [t('audit.at'), format.moment(entry.at)],
            [t('audit.who'), entry.who],
            [t('audit.thing'), `${entry.thing} ${entry.thing_id}`.trim() || '–'],
            [t('keys.project'), entry.project || '–'],
            [t('audit.why'), entry.why || '–'],
            [t('profile.address'), entry.address || '–'],
            [t('audit.via'), entry.via || '–'],
            [t('audit.key'), entry.key || '–'],
            [t('audit.request'), entry.request ? <Code key="request">{entry.request}</Code> : '–'],
            ...(entry.count > 1 ? [[t('audit.count'), format.count(entry.count)] as [string, string]] : []),
          ]}
        />
        {rows.length > 0 && (
          <>
            <Title order={2} size="h5">
              {t('audit.change')}
            </Title>
            <Table aria-label={t('audit.change')} layout="fixed">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('audit.what')}</Table.Th>
                  <Table.Th>{t('audit.before')}</Table.Th>
                  <Table.Th>{t('audit.after')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((row) => (
                  <Table.Tr key={row.name}>
                    <Table.Th scope="row" className={classes.value}>
                      {row.name}
                    </Table.Th>
                    <Table.Td className={classes.value}>
                      {row.changed && row.before ? (
                        <del className={classes.before}>{row.before}</del>
                      ) : (
                        row.before
                      )}
                    </Table.Td>
                    <Table.Td className={classes.value}>
                      {row.changed && row.after ? (
                        <ins className={classes.after}>{row.after}</ins>
                      ) : (
                        row.after
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </>
        )}
        <Text size="xs" c="dimmed">
          {t('audit.chain', { number: entry.seq ?? '–', by: entry.signed_by || '–' })}
        </Text>
      </Stack>
    </Side>
  );
}

const COLORS = { done: 'teal', refused: 'orange', failed: 'red' } as const;

export function OutcomeBadge({ outcome }: { outcome: Entry['outcome'] }) {
  const { t } = useTranslation();
  return (
    <Badge variant="light" tt="none" color={COLORS[outcome]}>
      {t(`audit.outcomes.${outcome}`)}
    </Badge>
  );
}
