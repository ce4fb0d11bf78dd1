import { Alert, List } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';
import { Limits } from './limits/Limits';

export default function LimitsPage() {
  const { t } = useTranslation();
  return (
    <Page title={t('limits.title')} about={t('limits.about')} needs="limits.read">
      <Alert icon={<IconInfoCircle size={18} />} variant="light" title={t('limits.ruleTitle')}>
        <List size="sm">
          <List.Item>{t('limits.ruleAll')}</List.Item>
          <List.Item>{t('limits.ruleNamed')}</List.Item>
          <List.Item>{t('limits.ruleShared')}</List.Item>
        </List>
      </Alert>
      <Limits />
    </Page>
  );
}
