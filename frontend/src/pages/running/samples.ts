/** Code that calls a model, for people to paste: with this server's address, the model's name and a key. */

export const SAMPLES = ['curl', 'python', 'javascript', 'langchain'] as const;
export type SampleName = (typeof SAMPLES)[number];
export type Way = 'chat' | 'completion' | 'embedding';

export type Called = { base: string; uid: string; key: string; way: Way };

/** What a sample calls: the first of the model's abilities that OpenAI's clients know; null: none. */
export function wayOf(launch: { kind: string; abilities: readonly string[] }): Way | null {
  const found = (['chat', 'completion', 'embedding'] as const).find((one) => launch.abilities.includes(one));
  if (found) return found;
  if (launch.abilities.length) return null;
  // Not ready yet: what it will most likely be.
  if (launch.kind === 'llm') return 'chat';
  return launch.kind === 'embedding' ? 'embedding' : null;
}

const QUESTION = 'What is a llama?';

export function sample(name: SampleName, called: Called): string {
  return { curl, python, javascript, langchain }[name](called);
}

function curl({ base, uid, key, way }: Called): string {
  const route = { chat: 'chat/completions', completion: 'completions', embedding: 'embeddings' }[way];
  return [
    `curl ${base}/v1/${route} \\`,
    `  -H ${quoted(`Authorization: Bearer ${key}`)} \\`,
    "  -H 'Content-Type: application/json' \\",
    `  -d ${quoted(JSON.stringify({ model: uid, ...asked(way) }, null, 2))}`,
  ].join('\n');
}

function python({ base, uid, key, way }: Called): string {
  const head = [
    '# pip install openai',
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url=${text(`${base}/v1`)}, api_key=${text(key)})`,
  ];
  const body = {
    chat: [
      'stream = client.chat.completions.create(',
      `    model=${text(uid)},`,
      `    messages=[{"role": "user", "content": ${text(QUESTION)}}],`,
      '    stream=True,',
      ')',
      'for chunk in stream:',
      '    if chunk.choices:',
      '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
    ],
    completion: [
      `answer = client.completions.create(model=${text(uid)}, prompt=${text('A llama is')}, max_tokens=100)`,
      'print(answer.choices[0].text)',
    ],
    embedding: [
      `answer = client.embeddings.create(model=${text(uid)}, input=[${text(QUESTION)}])`,
      'print(len(answer.data[0].embedding))',
    ],
  }[way];
  return [...head, ...body].join('\n');
}

function javascript({ base, uid, key, way }: Called): string {
  const head = [
    '// npm install openai',
    "import OpenAI from 'openai';",
    '',
    `const client = new OpenAI({ baseURL: ${text(`${base}/v1`)}, apiKey: ${text(key)} });`,
  ];
  const body = {
    chat: [
      'const stream = await client.chat.completions.create({',
      `  model: ${text(uid)},`,
      `  messages: [{ role: 'user', content: ${text(QUESTION)} }],`,
      '  stream: true,',
      '});',
      'for await (const chunk of stream) {',
      "  process.stdout.write(chunk.choices[0]?.delta?.content ?? '');",
      '}',
    ],
    completion: [
      'const answer = await client.completions.create({',
      `  model: ${text(uid)},`,
      `  prompt: ${text('A llama is')},`,
      '  max_tokens: 100,',
      '});',
      'console.log(answer.choices[0].text);',
    ],
    embedding: [
      `const answer = await client.embeddings.create({ model: ${text(uid)}, input: [${text(QUESTION)}] });`,
      'console.log(answer.data[0].embedding.length);',
    ],
  }[way];
  return [...head, ...body].join('\n');
}

function langchain({ base, uid, key, way }: Called): string {
  const given = `model=${text(uid)}, base_url=${text(`${base}/v1`)}, api_key=${text(key)}`;
  const body = {
    chat: [
      'from langchain_openai import ChatOpenAI',
      '',
      `model = ChatOpenAI(${given})`,
      `print(model.invoke(${text(QUESTION)}).content)`,
    ],
    completion: [
      'from langchain_openai import OpenAI',
      '',
      `model = OpenAI(${given})`,
      `print(model.invoke(${text('A llama is')}))`,
    ],
    embedding: [
      'from langchain_openai import OpenAIEmbeddings',
      '',
      '# Texts are sent as texts: token ids of OpenAI mean nothing to another model.',
      `model = OpenAIEmbeddings(${given}, check_embedding_ctx_length=False)`,
      `print(len(model.embed_query(${text(QUESTION)})))`,
    ],
  }[way];
  return ['# pip install langchain-openai', ...body].join('\n');
}

function asked(way: Way): object {
  if (way === 'chat') return { messages: [{ role: 'user', content: QUESTION }] };
  if (way === 'completion') return { prompt: 'A llama is', max_tokens: 100 };
  return { input: [QUESTION] };
}

/** A literal of Python and of JavaScript alike. */
const text = (value: string): string => JSON.stringify(value);

/** For a POSIX shell. */
export const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
