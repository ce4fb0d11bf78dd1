/** Sends a form's values. What the server says of a field stands at that field, all else above the button. */

import type { UseFormReturnType } from '@mantine/form';
import { type FormEvent, useState } from 'react';
import { ApiError } from '@/api/errors';
import { message } from './problems';

export type Submit = { send: (event?: FormEvent<HTMLFormElement>) => void; error: unknown; busy: boolean };

export function useSubmit<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  run: (values: Values) => Promise<unknown>,
): Submit {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const send = form.onSubmit(async (values) => {
    setBusy(true);
    setError(null);
    try {
      await run(values);
    } catch (problem) {
      const field = fieldOf(problem, values);
      if (field) form.setFieldError(field, message(problem));
      else setError(problem);
    } finally {
      setBusy(false);
    }
  });
  return { send, error, busy };
}

/** The form's field that an error is about: `networks.0` is about `networks`. */
export function fieldOf(problem: unknown, values: object): string | null {
  if (!(problem instanceof ApiError) || !problem.param) return null;
  const name = problem.param.split(/[.[]/, 1)[0] ?? '';
  return name in values ? name : null;
}
