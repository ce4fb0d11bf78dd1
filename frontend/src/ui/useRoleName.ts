import { useTranslation } from 'react-i18next';

/** The word for a role; the server also says `superuser`, and nothing for none. */
export function useRoleName(): (role: string) => string {
  const { t, i18n } = useTranslation();
  return (role) => {
    const key = `roles.${role}` as 'roles.viewer';
    return role && i18n.exists(key) ? String(t(key)) : role || '–';
  };
}
