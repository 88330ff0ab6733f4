/** A session of one's own on the fuzzed server, and what stands for its names and numbers in inputs. */
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { nextSeq } from './frame-inputs.ts';
import type { FuzzServer } from './fuzz-server.ts';

export interface Seat {
  readonly path: string;
  readonly sessionId: string;
  readonly clientId: string;
  readonly token: string;
  /** Seq of the command that is due. */
  seq: number;
  /** What stands for the account's and the link's in inputs, by placeholder. Without it the placeholders stay. */
  readonly account?: Readonly<Record<string, string>>;
}

/** A valid body of `POST /v1/sessions`. */
export const rightBody = (): string =>
  JSON.stringify({ kind: 'workout', input: { plan: builtInPlans[0]?.plan, ftpW: 250 } });

export async function takeSeat(url: string): Promise<Seat> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers,
    body: rightBody(),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const created = (await response.json()) as Record<string, string>;
  const {
    session_id: sessionId = '',
    client_id: clientId = '',
    resume_url: resumeUrl = '',
  } = created;
  const { pathname, hash } = new URL(resumeUrl);
  return { path: pathname, sessionId, clientId, token: hash.slice(1), seq: 1 };
}

/** Every right password. */
const password = 'mistral over ventoux';

/** A link to look at the session: its id and its token. */
async function giveOutLink(url: string, { path, token }: Seat): Promise<Record<string, string>> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}${path}/readers`, { method: 'POST', headers });
  const { reader_id: $READER = '', read_url: readUrl } = (await response.json()) as Record<
    string,
    string
  >;
  return { $READER, $LINK: new URL(readUrl ?? '').hash.slice(1) };
}

/** A seat whose session is nobody's, and an account signed in beside it. Each comes from an address of its own. */
export async function takeAccountSeat(
  server: Pick<FuzzServer, 'url' | 'mailedTo'>,
  number: number,
): Promise<Seat> {
  const { url } = server;
  const seat = await takeSeat(url);
  const email = `rider-${number}-${seat.sessionId.toLowerCase()}@example.com`;
  const address = `10.${(number >> 16) % 256}.${(number >> 8) % 256}.${number % 256}`;
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, string>;
  };
  const mailed = async (): Promise<string> => {
    const token = server.mailedTo(email);
    await post('/v1/accounts', { email });
    return token;
  };
  const chosen = { token: await mailed(), password, refresh_in: 'body' };
  const tokens = await post('/v1/accounts/passwords', chosen);
  const {
    access_token: $ACCESS = '',
    refresh_token: $REFRESH = '',
    login_id: $LOGIN = '',
  } = tokens;
  const mine = { $EMAIL: email, $PASSWORD: password, $MAILED: await mailed() };
  // Each account's ids are its own.
  const own = { $ACCESS, $REFRESH, $LOGIN, $WORKOUT: 'workout-of-the-seat-01', $ADDRESS: address };
  return { ...seat, account: { ...mine, ...own, ...(await giveOutLink(url, seat)) } };
}

/** Puts the seat's own into a text. */
export function seated(text: string, seat: Seat, url: string): string {
  return Object.entries(seat.account ?? {})
    .reduce((filled, [placeholder, value]) => filled.replaceAll(placeholder, value), text)
    .replaceAll('$SESSION', seat.sessionId)
    .replaceAll('$CLIENT', seat.clientId)
    .replaceAll('$TOKEN', seat.token)
    .replaceAll('$ORIGIN', url)
    .replaceAll(/\b(7769999999|777000000\d)\b/g, (number) =>
      String(Math.max(1, seat.seq + Number(number) - nextSeq)),
    );
}
