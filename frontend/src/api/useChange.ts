/** A change at the server, after which the answers that it makes old are asked for anew. */

import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';

/** `touches`: first words of the query keys. */
export function useChange<Values = void, Result = unknown>(
  run: (values: Values) => Promise<Result>,
  touches: readonly string[],
): UseMutationResult<Result, Error, Values> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    // Waited for, so that a form closes when its table already shows the change.
    onSettled: () => Promise.all(touches.map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}
