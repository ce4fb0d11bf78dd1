import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function CataloguePage() {
  const { t } = useTranslation();
  return <Page title={t('models.title')}>{null}</Page>;
}
