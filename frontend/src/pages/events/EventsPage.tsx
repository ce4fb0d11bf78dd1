import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function EventsPage() {
  const { t } = useTranslation();
  return <Page title={t('events.title')}>{null}</Page>;
}
