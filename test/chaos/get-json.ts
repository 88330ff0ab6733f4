/** A plain GET over a connection of its own: one kept from before may have died in a storm, unnoticed. */
import { get } from 'node:http';

export interface Answer {
  /** Of HTTP; 0 when there was no answer in time, or none in JSON. */
  readonly status: number;
  readonly body: unknown;
}

const timeoutMs = 20_000;

/** Never rejects. */
export function getJson(url: string, token: string): Promise<Answer> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` };
    const none = (): void => resolve({ status: 0, body: {} });
    const request = get(url, { agent: false, timeout: timeoutMs, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', none);
      response.on('end', () => {
        const body = parse(Buffer.concat(chunks).toString('utf8'));
        if (body === undefined) none();
        else resolve({ status: response.statusCode ?? 0, body });
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', none);
  });
}

/** Undefined when it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
