/** A real server with accounts, on real stores, and a device that talks to it. */
import { accounts, type AccountsOptions } from '../../server/accounts/accounts.ts';
import type { TrackstandOptions } from '../../server/trackstand.ts';
import { startServer, testSecret, type LiveServer } from '../support/live-server.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AccountServer extends LiveServer {
  /** Routes of accounts, as `METHOD /path`. */
  readonly routes: readonly string[];
  /** Mails in the log so far, the latest last. */
  readonly mails: () => readonly { readonly to: string; readonly text: string }[];
  /** Of the latest mail to that address. */
  readonly mailedToken: (to: string) => string;
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<Answer>;
  /** Registers, follows the link and chooses the password; the device that did so is signed in. */
  readonly register: (email: string, password?: string) => Promise<Tokens>;
  readonly login: (email: string, password?: string, device?: string) => Promise<Answer>;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly access?: string;
  readonly headers?: Record<string, string>;
}

export interface Tokens {
  readonly accountId: string;
  readonly loginId: string;
  readonly access: string;
  readonly refresh: string;
}

export const goodPassword = 'mistral over ventoux';

export async function startAccountServer(
  options: Partial<AccountsOptions> & Partial<TrackstandOptions> & { withoutRedis?: boolean } = {},
): Promise<AccountServer> {
  const { withoutRedis = false } = options;
  const postgres = options.postgres ?? (await freshPostgres()).url;
  const redis = withoutRedis ? undefined : (options.redis ?? (await freshRedis()).url);
  const routes: string[] = [];
  const connectOwners = accounts({
    secrets: [testSecret],
    hashCost: 4,
    hashWorkerCount: 1,
    mail: { url: 'log:', from: 'Trackstand <ride@trackstand.example>' },
    publicUrl: undefined,
    ...options,
    postgres,
  });
  const owners: typeof connectOwners = (app, office) => {
    app.addHook('onRoute', ({ method, url }) => {
      // A GET comes with a HEAD of its own.
      if (method !== 'HEAD' && !url.startsWith('/v1/sessions'))
        routes.push(`${String(method)} ${url}`);
    });
    return connectOwners(app, office);
  };
  const server = await startServer({
    ...options,
    postgres,
    ...(redis && { redis }),
    withoutRedis,
    owners,
  });
  const ask: AccountServer['ask'] = async (method, path, { body, access, headers } = {}) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(access !== undefined && { authorization: `Bearer ${access}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : JSON.parse(text),
    };
  };
  const mails = () =>
    server.log.flatMap((line) => {
      const { mail } = JSON.parse(line) as { mail?: { to: string; text: string } };
      return mail === undefined ? [] : [mail];
    });
  const mailedToken = (to: string): string => {
    const text = mails().findLast((mail) => mail.to === to)?.text ?? '';
    return /#password=([\w-]{43})/.exec(text)?.[1] ?? `no token was mailed to ${to}`;
  };
  return {
    ...server,
    routes,
    mails,
    mailedToken,
    ask,
    register: async (email, password = goodPassword) => {
      await ask('POST', '/v1/accounts', { body: { email } });
      const token = mailedToken(email);
      const body = { token, password, refresh_in: 'body', device: 'the first one' };
      return tokensOf(await ask('POST', '/v1/accounts/passwords', { body }));
    },
    login: (email, password = goodPassword, device = 'another one') =>
      ask('POST', '/v1/logins', { body: { email, password, device, refresh_in: 'body' } }),
  };
}

/** Throws what was answered instead. */
export function tokensOf({ status, body }: Answer): Tokens {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  const text = (name: string): string => String(body[name]);
  return {
    accountId: text('account_id'),
    loginId: text('login_id'),
    access: text('access_token'),
    refresh: text('refresh_token'),
  };
}
