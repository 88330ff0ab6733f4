/** A session of one's own on the fuzzed server, and what stands for its names and numbers in inputs. */
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { nextSeq } from './frame-inputs.ts';

export interface Seat {
  readonly path: string;
  readonly sessionId: string;
  readonly clientId: string;
  readonly token: string;
  /** Seq of the command that is due. */
  seq: number;
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
  const created = (await response.json()) as Record<string, string>;
  const {
    session_id: sessionId = '',
    client_id: clientId = '',
    resume_url: resumeUrl = '',
  } = created;
  const { pathname, hash } = new URL(resumeUrl);
  return { path: pathname, sessionId, clientId, token: hash.slice(1), seq: 1 };
}

/** Puts the seat's own into a text. */
export function seated(text: string, seat: Seat, url: string): string {
  return text
    .replaceAll('$SESSION', seat.sessionId)
    .replaceAll('$CLIENT', seat.clientId)
    .replaceAll('$TOKEN', seat.token)
    .replaceAll('$ORIGIN', url)
    .replaceAll(/\b(7769999999|777000000\d)\b/g, (number) =>
      String(Math.max(1, seat.seq + Number(number) - nextSeq)),
    );
}
