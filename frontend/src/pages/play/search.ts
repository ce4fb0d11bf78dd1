/** What a playground's address says: which models, and which conversation of this browser. */

export type PlaySearch = { model?: string | string[]; conversation?: string };

export function playSearch(given: Record<string, unknown>): PlaySearch {
  const models = modelsOf(given.model);
  return {
    ...(models.length ? { model: models.length === 1 ? models[0] : models } : {}),
    ...(typeof given.conversation === 'string' ? { conversation: given.conversation } : {}),
  };
}

/** `?model=a&model=b`, or one of them alone; a model may be called `7`. */
export function modelsOf(given: unknown): string[] {
  const list = Array.isArray(given) ? given : [given];
  return list.filter((one) => typeof one === 'string' || typeof one === 'number').map(String);
}
