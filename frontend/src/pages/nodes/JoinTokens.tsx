/** Tokens with which machines join: which there are, who used them, and taking one back. */

import { Badge, Button, Paper, Switch, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { joinTokensQuery, useRevokeJoinToken } from '@/api/nodes';
import type { JoinToken } from '@/api/schema';
import { Ago } from '@/ui/Ago';
import { Confirm } from '@/ui/confirm';
import { Loaded } from '@/ui/states';

export function JoinTokens() {
  const { t } = useTranslation();
  const query = useQuery(joinTokensQuery);
  const revoke = useRevokeJoinToken();
  const [all, setAll] = useState(false);
  const [doomed, setDoomed] = useState<JoinToken | null>(null);
  return (
    <Paper withBorder p="md" miw={0}>
      <Title order={2} size="h4">
        {t('nodes.tokens.title')}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {t('nodes.tokens.about')}
      </Text>
      <Loaded query={query} lines={2}>
        {(tokens) => {
          const shown = all
            ? tokens
            : tokens.filter((token) => token.state === 'active' || token.nodes.length);
          return (
            <>
              {shown.length ? (
                <Table.ScrollContainer minWidth={640}>
                  <Table aria-label={t('nodes.tokens.title')}>
                    <Table.Thead>
                      <Table.Tr>
                        <Table.Th>{t('common.name')}</Table.Th>
                        <Table.Th>{t('common.state')}</Table.Th>
                        <Table.Th>{t('nodes.tokens.expires')}</Table.Th>
                        <Table.Th>{t('nodes.tokens.used')}</Table.Th>
                        <Table.Th>{t('nodes.tokens.machines')}</Table.Th>
                        <Table.Td />
                      </Table.Tr>
                    </Table.Thead>
                    <Table.Tbody>
                      {shown.map((token) => (
                        <Table.Tr key={token.id}>
                          <Table.Td>
                            {token.name}
                            <Text size="xs" c="dimmed">
                              {token.prefix}
                              {token.created_by && ` · ${token.created_by}`}
                            </Text>
                          </Table.Td>
                          <Table.Td>
                            <Badge
                              variant="light"
                              color={token.state === 'active' ? 'teal' : 'gray'}
                              c="var(--mantine-color-text)"
                              tt="none"
                            >
                              {t(`nodes.tokens.state.${token.state}`)}
                            </Badge>
                          </Table.Td>
                          <Table.Td>
                            {token.expires ? <Ago at={token.expires} /> : t('nodes.tokens.never')}
                          </Table.Td>
                          <Table.Td>
                            {token.last_used ? <Ago at={token.last_used} /> : t('nodes.tokens.notYet')}
                          </Table.Td>
                          <Table.Td>{token.nodes.join(', ') || '–'}</Table.Td>
                          <Table.Td ta="end">
                            {token.state !== 'revoked' && (
                              <Button
                                size="compact-sm"
                                variant="subtle"
                                color="red"
                                onClick={() => setDoomed(token)}
                                aria-label={t('nodes.tokens.revokeOf', { name: token.name })}
                              >
                                {t('nodes.tokens.revoke')}
                              </Button>
                            )}
                          </Table.Td>
                        </Table.Tr>
                      ))}
                    </Table.Tbody>
                  </Table>
                </Table.ScrollContainer>
              ) : (
                <Text size="sm">{t('nodes.tokens.none')}</Text>
              )}
              {(all || shown.length < tokens.length) && (
                <Switch
                  mt="xs"
                  size="sm"
                  checked={all}
                  onChange={(event) => setAll(event.currentTarget.checked)}
                  label={t('nodes.tokens.all')}
                />
              )}
            </>
          );
        }}
      </Loaded>
      <Confirm
        opened={doomed !== null}
        close={() => setDoomed(null)}
        title={t('nodes.tokens.revokeOf', { name: doomed?.name ?? '' })}
        action={t('nodes.tokens.revoke')}
        run={() => (doomed ? revoke.mutateAsync(doomed.id) : Promise.resolve())}
      >
        {doomed?.nodes.length
          ? t('nodes.tokens.revokeCuts', { machines: doomed.nodes.join(', ') })
          : t('nodes.tokens.revokeHelp')}
      </Confirm>
    </Paper>
  );
}
