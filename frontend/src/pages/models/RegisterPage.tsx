/** A model of one's own: by a form and by text, both of the same. */

import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { familyQuery, KINDS } from '@/api/catalogue';
import { registrationQuery } from '@/api/registrations';
import { Page } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { asOneOf, useUrl } from '@/ui/useUrl';
import { type Draft, draftKey, emptyDraft, variantOf } from './draft';
import { RegisterForm } from './RegisterForm';
import { readRegisterSearch } from './registerSearch';

export default function RegisterPage() {
  const { t } = useTranslation();
  const { kind, name } = useParams({ strict: false }) as { kind?: string; name?: string };
  return (
    <Page
      title={name ? t('models.register.editTitle', { name }) : t('models.register.title')}
      about={name ? t('models.register.editAbout') : t('models.register.about')}
      needs="registrations.write"
    >
      {name ? <Edit kind={asOneOf(kind, KINDS, 'llm')} name={name} /> : <New />}
    </Page>
  );
}

function Edit({ kind, name }: { kind: (typeof KINDS)[number]; name: string }) {
  const registration = useQuery(registrationQuery(kind, name));
  return (
    <Loaded query={registration} lines={8}>
      {(found) => (
        <RegisterForm
          key={found.version}
          begin={found.family as Draft}
          edits={{ version: found.version, shared: found.shared }}
        />
      )}
    </Loaded>
  );
}

function New() {
  const [search] = useUrl(readRegisterSearch);
  const [kind, name] = search.like.split('/', 2);
  if (name) return <Variant kind={asOneOf(kind, KINDS, 'llm')} name={name} />;
  return <Begin draft={search.draft} />;
}

function Variant({ kind, name }: { kind: (typeof KINDS)[number]; name: string }) {
  const family = useQuery(familyQuery(kind, name));
  return (
    <Loaded query={family} lines={8}>
      {(found) => <RegisterForm begin={variantOf(found)} />}
    </Loaded>
  );
}

function Begin({ draft }: { draft: boolean }) {
  const [begin] = useState(() => (draft ? left() : null) ?? emptyDraft());
  return <RegisterForm begin={begin} />;
}

function left(): Draft | null {
  const text = sessionStorage.getItem(draftKey);
  try {
    return text ? (JSON.parse(text) as Draft) : null;
  } catch {
    return null;
  }
}
