import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function LogsPage() {
  const { t } = useTranslation();
  return <Page title={t('logs.title')}>{null}</Page>;
}
