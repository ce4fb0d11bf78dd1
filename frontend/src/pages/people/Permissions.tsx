/** Permissions by their names, with what each lets one do. */

import { List, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** The sentence for a permission; one that this console does not know yet has only its name. */
export function usePermission(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => {
    const key = `permissions.${name.replace('.', '_')}` as 'permissions.models_use';
    return i18n.exists(key) ? String(t(key)) : '';
  };
}

export function Permissions({ names, all }: { names: readonly string[]; all: string }) {
  const { t } = useTranslation();
  const sentence = usePermission();
  return (
    <div>
      <Text size="sm" fw={600}>
        {t('keys.may')}
      </Text>
      {names.length ? (
        <List size="sm">
          {names.map((name) => (
            <List.Item key={name}>
              {sentence(name)}{' '}
              <Text span size="xs" c="dimmed" ff="monospace">
                {name}
              </Text>
            </List.Item>
          ))}
        </List>
      ) : (
        <Text size="sm">{all}</Text>
      )}
    </div>
  );
}
