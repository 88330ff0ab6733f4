/** The link that lets another screen look at a ride: asked for, taken back, and read from an address. */
import * as v from 'valibot';

import type { StoredSession } from '../../session-storage.ts';

/** What a screen needs to look at a ride. */
export interface ReaderLink {
  readonly sessionId: string;
  readonly readerId: string;
  readonly token: string;
}

const given = v.object({ reader_id: v.string(), read_url: v.string() });
const schema = v.object({ sessionId: v.string(), readerId: v.string(), token: v.string() });
const storageKey = 'trackstand-reader-link';

type Rider = Pick<StoredSession, 'sessionId' | 'url' | 'token'>;

/** Rejects with one sentence. */
export async function giveLinkOut({ sessionId, url, token }: Rider): Promise<ReaderLink> {
  const response = await ask(`${url}/readers`, 'POST', token);
  const { reader_id: readerId, read_url: readUrl } = v.parse(given, await response.json());
  return { sessionId, readerId, token: new URL(readUrl).hash.slice(1) };
}

/** Resolves when nobody can look by that link any more. Rejects with one sentence. */
export async function takeLinkBack({ url, token }: Rider, { readerId }: ReaderLink): Promise<void> {
  await ask(`${url}/readers/${readerId}`, 'DELETE', token);
}

async function ask(url: string, method: string, token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method, headers }).catch(() => {
    throw new Error('The service cannot be reached; try again when it is back.');
  });
  if (!response.ok) throw new Error('The service refused it. Load the page again.');
  return response;
}

/** The secret stands in the fragment, which no browser sends. */
export function addressOf({ sessionId, readerId, token }: ReaderLink, page: string): string {
  return `${page}#watch/${sessionId}/${readerId}/${token}`;
}

export function linkFromAddress(hash: string): ReaderLink | null {
  const form = /^#watch\/([\w-]{22,36})\/(r_[\w-]{22})\/(r1\.[\w-]{43})$/;
  const [, sessionId, readerId, token] = form.exec(hash) ?? [];
  if (sessionId === undefined || readerId === undefined || token === undefined) return null;
  return { sessionId, readerId, token };
}

/** The link this device has given out for that ride, so that it can be taken back after a reload too. */
export function rememberedLink(sessionId: string): ReaderLink | null {
  try {
    const kept = v.safeParse(schema, JSON.parse(localStorage.getItem(storageKey) ?? 'null'));
    return kept.success && kept.output.sessionId === sessionId ? kept.output : null;
  } catch {
    // A browser that keeps nothing for this page.
    return null;
  }
}

export function rememberLink(link: ReaderLink | null): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(link));
  } catch {
    // It can be taken back for as long as this page is open.
  }
}
