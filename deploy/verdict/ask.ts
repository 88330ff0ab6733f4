/** Asking an instance on its Unix socket, or the proxy by URL. */
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Answer {
  readonly status: number;
  /** Parsed JSON; undefined when it is none. */
  readonly body: unknown;
}

/** An instance's socket, or where it or the proxy listens. */
export type Where = { readonly socketPath: string } | { readonly url: string };

export interface Asked {
  /** What is sent, as JSON; without it nothing is. */
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Milliseconds to answer. */
const answerTimeoutMs = 2_000;

/** More than that is no answer of ours. */
const bodyBytesMax = 1_000_000;

/** Resolves to undefined when nobody answers in time: whoever asks wants to know that, not why. */
export function ask(
  where: Where,
  path: string,
  { body, token, headers = {} }: Asked = {},
): Promise<Answer | undefined> {
  const url = new URL(path, 'url' in where ? where.url : 'http://instance');
  const options: RequestOptions = {
    agent: false,
    timeout: answerTimeoutMs,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...('url' in where ? {} : where),
  };
  const start = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const request = start(url, options, (response) => {
      read(response).then(resolve, () => resolve(undefined));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(undefined));
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error('The answer is too large.');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
