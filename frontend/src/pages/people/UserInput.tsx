/** The name of a user. Who may see all of them is offered them; others type it. */

import { Autocomplete, type AutocompleteProps } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { usersQuery } from '@/api/users';
import { useMay } from '@/session/session';

export function UserInput(props: AutocompleteProps) {
  const may = useMay();
  const users = useQuery({ ...usersQuery, enabled: may('users.manage') });
  return (
    <Autocomplete
      data={(users.data ?? []).map((user) => user.username)}
      autoComplete="off"
      limit={50}
      {...props}
    />
  );
}
