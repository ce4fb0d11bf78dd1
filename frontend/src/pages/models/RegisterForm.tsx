import { Button, Checkbox, Grid, Group, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import { useRegister } from '@/api/registrations';
import { useMay } from '@/session/session';
import { said } from '@/ui/notify';
import { message } from '@/ui/problems';
import { ProblemAlert } from '@/ui/states';
import { type Draft, fieldOf, type Place, withAt } from './draft';
import { FamilyFields } from './FamilyFields';
import { SpecsFields } from './SpecsFields';
import { TextSide } from './TextSide';

/** What fields need: the draft, a way to change it, and what the server said of a place. */
export type Editing = {
  draft: Draft;
  set: (place: Place, value: unknown) => void;
  errorAt: (place: Place) => string | undefined;
};

type Props = { begin: Draft; edits?: { version: number; shared: boolean } };

export function RegisterForm({ begin, edits }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const navigate = useNavigate();
  const register = useRegister();
  const [draft, setDraft] = useState(begin);
  const [isText, setIsText] = useState(true);
  const [shared, setShared] = useState(edits?.shared ?? false);
  const [error, setError] = useState<unknown>(null);
  const field = error instanceof ApiError ? error.param : null;
  const editing: Editing = {
    draft,
    set: (place, value) => {
      setDraft((old) => withAt(old, place, value));
      if (field && field === fieldOf(place)) setError(null);
    },
    // Without the field's name before it: that is what it stands at.
    errorAt: (place) =>
      field && field === fieldOf(place) ? message(error).replace(`${field}: `, '') : undefined,
  };
  // The form is long: what is wrong may be far above the button.
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    try {
      const made = await register.mutateAsync({
        family: draft,
        edit: edits !== undefined,
        shared: may('launches.share') ? shared : undefined,
      });
      said(t('models.register.done', { name: made.name, version: made.version }));
      await navigate({ to: '/models/$kind/$name', params: { kind: made.kind, name: made.name } });
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <form ref={form} onSubmit={(event) => void send(event)} noValidate>
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack>
            <FamilyFields {...editing} isEdit={edits !== undefined} />
            <SpecsFields {...editing} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <TextSide draft={draft} change={setDraft} tell={setIsText} />
        </Grid.Col>
      </Grid>
      <Stack mt="lg" maw={720}>
        {may('launches.share') && (
          <Checkbox
            label={t('models.register.shared')}
            description={t('models.register.sharedHelp')}
            checked={shared}
            onChange={(event) => setShared(event.currentTarget.checked)}
          />
        )}
        <ProblemAlert error={error} />
        {!isText && (
          <Text size="sm" c="red">
            {t('models.register.fixText')}
          </Text>
        )}
        <Group>
          <Button type="submit" loading={register.isPending} disabled={!isText}>
            {edits ? t('models.register.save', { version: edits.version + 1 }) : t('models.register.action')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
