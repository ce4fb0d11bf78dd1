import { Tabs } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { Engines } from './Engines';
import { InForce } from './InForce';
import { Prices } from './Prices';
import { Tokens } from './Tokens';
import { Webhooks } from './Webhooks';

const PARTS = { tokens: Tokens, engines: Engines, prices: Prices, webhooks: Webhooks, values: InForce };
type PartName = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as PartName[];
const needsOf = (name: PartName) => (name === 'webhooks' ? 'project.manage' : 'settings.read');

export default function SettingsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { part } = useParams({ strict: false });
  const may = useMay();
  const theirs = NAMES.filter((name) => may(needsOf(name)));
  const shown = NAMES.find((name) => name === part) ?? theirs[0] ?? 'tokens';
  const Shown = PARTS[shown];
  return (
    <Page title={t('settings.title')} about={t('settings.about')} needs={needsOf(shown)}>
      <Tabs
        value={shown}
        onChange={(name) => void navigate({ to: '/settings/$part', params: { part: name ?? 'tokens' } })}
        keepMounted={false}
      >
        <Tabs.List aria-label={t('settings.title')} mb="md">
          {theirs.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(`settings.parts.${name}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={shown}>
          <Shown />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
