/** `zone=a` → its name and value; null where there is no name. The server says which are allowed. */
export function readLabel(text: string): { name: string; value: string } | null {
  const [name = '', ...rest] = text.trim().split('=');
  return name.trim() ? { name: name.trim(), value: rest.join('=').trim() } : null;
}
