import { Group, Select, useMantineColorScheme } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { chooseLanguage, languageName, languages } from '@/i18n';
import { wentWrong } from '@/ui/notify';
import { Part } from '@/ui/Part';

const SCHEMES = ['auto', 'light', 'dark'] as const;

export function Looks() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Part title={t('profile.looks')} about={t('profile.looksAbout')}>
      <Group>
        <Select
          label={t('nav.language')}
          data={languages.map((code) => ({ value: code, label: languageName(code) }))}
          value={i18n.language}
          allowDeselect={false}
          onChange={(code) => code && chooseLanguage(code).catch(wentWrong)}
        />
        <Select
          label={t('nav.looks')}
          data={SCHEMES.map((scheme) => ({ value: scheme, label: t(`nav.${scheme}`) }))}
          value={colorScheme}
          allowDeselect={false}
          onChange={(scheme) => setColorScheme(SCHEMES.find((one) => one === scheme) ?? 'auto')}
        />
      </Group>
    </Part>
  );
}
