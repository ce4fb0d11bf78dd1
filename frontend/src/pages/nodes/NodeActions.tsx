/** Setting a machine aside, emptying it, using it again, taking it away. */

import { Button, Tooltip } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type NodeChange, useChangeNode } from '@/api/nodes';
import type { Node } from '@/api/schema';
import { Confirm } from '@/ui/confirm';
import { said, wentWrong } from '@/ui/notify';

type Asked = 'drain' | 'remove';

export function NodeActions({ node }: { node: Node }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const change = useChangeNode(node.name);
  const [asked, setAsked] = useState<Asked | null>(null);
  const now = (what: 'cordon' | 'uncordon') =>
    change.mutate(
      { do: what },
      { onSuccess: () => said(t(`nodes.did.${what}`, { name: node.name })), onError: wentWrong },
    );
  const confirmed = async () => {
    const wanted: NodeChange = { do: asked ?? 'drain' };
    await change.mutateAsync(wanted);
    said(t(`nodes.did.${wanted.do === 'remove' ? 'remove' : 'drain'}`, { name: node.name }));
    if (wanted.do === 'remove') await navigate({ to: '/nodes' });
  };
  const isBusy = node.state === 'up' && node.replicas > 0;
  return (
    <>
      {node.cordoned ? (
        <Button variant="light" loading={change.isPending} onClick={() => now('uncordon')}>
          {t('nodes.uncordon')}
        </Button>
      ) : (
        <Tooltip label={t('nodes.cordonHelp')} multiline maw={280}>
          <Button variant="default" loading={change.isPending} onClick={() => now('cordon')}>
            {t('nodes.cordon')}
          </Button>
        </Tooltip>
      )}
      {!node.draining && (
        <Button variant="default" onClick={() => setAsked('drain')}>
          {t('nodes.drain')}
        </Button>
      )}
      <Tooltip label={t('nodes.removeFirst')} disabled={!isBusy} multiline maw={280}>
        <Button
          variant="light"
          color="red"
          aria-disabled={isBusy}
          data-disabled={isBusy || undefined}
          onClick={() => !isBusy && setAsked('remove')}
        >
          {t('common.remove')}
        </Button>
      </Tooltip>
      <Confirm
        opened={asked !== null}
        close={() => setAsked(null)}
        title={t(`nodes.ask.${asked ?? 'drain'}`, { name: node.name })}
        action={asked === 'remove' ? t('common.remove') : t('nodes.drain')}
        run={confirmed}
      >
        {t(`nodes.ask.${asked ?? 'drain'}Help`, { count: node.replicas })}
      </Confirm>
    </>
  );
}
