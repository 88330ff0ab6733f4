/** People who register and sign in, all at once, and come again when they are told to: as a crowd does. */
import { watchLatency, type Latencies } from './latencies.ts';

export interface PeopleQuestion {
  readonly kind: 'people';
  readonly port: number;
  /** `ask`: they ask for an account, which brings them a mail. `enter`: they choose the password with what came by mail, and sign in. */
  readonly step: 'ask' | 'enter';
  readonly people: readonly Person[];
}

export interface Person {
  readonly email: string;
  /** Of the mail. */
  readonly token?: string | undefined;
}

export interface PeopleResult {
  readonly succeeded: number;
  /** What was answered to those who gave up, and how often. */
  readonly failed: Readonly<Record<string, number>>;
  /** Answers that said to come again. */
  readonly retries: number;
  readonly elapsedMs: number;
  /** From the first request of a person to the last answer. */
  readonly durations: Latencies;
}

const password = 'a sentence that nobody would guess';

/** Tries of one request: a crowd of ten times the line is through before. */
const triesMax = 200;

export async function enterAll({ port, step, people }: PeopleQuestion): Promise<PeopleResult> {
  const durations = watchLatency();
  const failed: Record<string, number> = {};
  let [succeeded, retries] = [0, 0];
  const post = async (path: string, body: object): Promise<string | undefined> => {
    for (let left = triesMax; left > 0; left--) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      await answer.arrayBuffer();
      if (answer.ok) return undefined;
      const retryAfterS = Number(answer.headers.get('retry-after') ?? Number.NaN);
      if (Number.isNaN(retryAfterS)) return `${answer.status} of ${path}`;
      retries++;
      await new Promise((resolve) => setTimeout(resolve, retryAfterS * 1_000));
    }
    return `${triesMax} tries of ${path}`;
  };
  const stepOf = async ({ email, token }: Person): Promise<string | undefined> =>
    step === 'ask'
      ? post('/v1/accounts', { email })
      : ((await post('/v1/accounts/passwords', { token, password, refresh_in: 'body' })) ??
        (await post('/v1/logins', { email, password, refresh_in: 'body' })));
  const enter = async ({ email, token }: Person): Promise<void> => {
    const startMs = performance.now();
    const fault = await stepOf({ email, token }).catch((error: unknown) => String(error));
    durations.record(performance.now() - startMs);
    if (fault === undefined) succeeded++;
    else failed[fault] = (failed[fault] ?? 0) + 1;
  };
  const startMs = performance.now();
  await Promise.all(people.map(enter));
  const elapsedMs = performance.now() - startMs;
  return { succeeded, failed, retries, elapsedMs, durations: durations.all() };
}
