import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function RunningPage() {
  const { t } = useTranslation();
  return <Page title={t('running.title')}>{null}</Page>;
}
