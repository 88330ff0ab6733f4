/** A plain GET over a connection of its own: one kept from before may have died in a storm, unnoticed. */
import { get } from 'node:http';

export interface Answer {
  /** Of HTTP; 0 when there was no answer in time. */
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
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown });
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', none);
  });
}
