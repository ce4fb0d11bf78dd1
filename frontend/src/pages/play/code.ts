/** A request as one would write it: curl, and OpenAI's client for Python. */

export type Call = 'chat' | 'completion' | 'embedding';

const PATHS: Record<Call, string> = {
  chat: '/v1/chat/completions',
  completion: '/v1/completions',
  embedding: '/v1/embeddings',
};
const METHODS: Record<Call, string> = {
  chat: 'chat.completions.create',
  completion: 'completions.create',
  embedding: 'embeddings.create',
};
/** Arguments of OpenAI's client; all others go as `extra_body`. */
const OPENAI = new Set(
  (
    'model messages prompt input dimensions temperature top_p max_tokens presence_penalty frequency_penalty seed' +
    ' stop tools response_format stream stream_options logprobs reasoning_effort encoding_format'
  ).split(' '),
);

export function curl(call: Call, body: Record<string, unknown>, origin: string): string {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  const streams = body.stream ? ' -N' : '';
  return [
    `curl${streams} ${origin}${PATHS[call]} \\`,
    '  -H "Authorization: Bearer $XPLATFORM_API_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${json}'`,
  ].join('\n');
}

export function python(call: Call, body: Record<string, unknown>, origin: string): string {
  const own = Object.entries(body).filter(([name]) => OPENAI.has(name));
  const more = Object.entries(body).filter(([name]) => !OPENAI.has(name));
  const lines = own.map(([name, value]) => `    ${name}=${literal(value, 1)},`);
  if (more.length) lines.push(`    extra_body=${literal(Object.fromEntries(more), 1)},`);
  const after: Record<Call, string> = {
    chat: [
      'for chunk in answer:',
      '    if chunk.choices:',
      '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
    ].join('\n'),
    completion: [
      'for chunk in answer:',
      '    if chunk.choices:',
      '        print(chunk.choices[0].text, end="", flush=True)',
    ].join('\n'),
    embedding: 'for one in answer.data:\n    print(len(one.embedding), one.embedding[:3])',
  };
  return [
    'import os',
    '',
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url=${literal(`${origin}/v1`, 0)}, api_key=os.environ["XPLATFORM_API_KEY"])`,
    `answer = client.${METHODS[call]}(`,
    ...lines,
    ')',
    after[call],
  ].join('\n');
}

/** JSON as Python writes it. */
function literal(value: unknown, depth: number): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  const inner = '    '.repeat(depth + 1);
  const end = '    '.repeat(depth);
  if (Array.isArray(value)) {
    if (!value.length) return '[]';
    return `[\n${value.map((one) => `${inner}${literal(one, depth + 1)},`).join('\n')}\n${end}]`;
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    if (!entries.length) return '{}';
    const lines = entries.map(
      ([name, one]) => `${inner}${JSON.stringify(name)}: ${literal(one, depth + 1)},`,
    );
    return `{\n${lines.join('\n')}\n${end}}`;
  }
  // A JSON text is a Python text, too.
  return JSON.stringify(value);
}

/** For the eye: an image's data would fill the page. Copied is all of it. */
export function shortened(code: string): string {
  return code.replace(/(data:image\/[\w.+-]+;base64,[\w+/]{40})[\w+/=]{40,}/g, '$1…');
}
