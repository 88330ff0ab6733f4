/** What a rider can do with their account, from this device. */
import { AccountError, ask, list, text, type Body } from './account-requests.ts';
import type { LoginKeeper } from './login-keeper.ts';

export interface AccountOfRider {
  readonly email: string;
  readonly createdAt: string;
  /** Whether it may see how the service is. */
  readonly isOperator: boolean;
}

export interface SignedInDevice {
  readonly loginId: string;
  readonly name: string;
  readonly isThis: boolean;
  readonly lastUsedAt: string;
}

export interface RideOfAccount {
  readonly sessionId: string;
  readonly createdAt: string;
}

export interface AccountClient {
  /** Whether this device was signed in when it was last heard of. */
  readonly isSignedIn: () => boolean;
  readonly register: (email: string) => Promise<void>;
  readonly askForReset: (email: string) => Promise<void>;
  readonly choosePassword: (token: string, password: string) => Promise<void>;
  readonly signIn: (email: string, password: string) => Promise<void>;
  readonly signOut: () => Promise<void>;
  readonly signOutEverywhere: () => Promise<void>;
  readonly endDevice: (loginId: string) => Promise<void>;
  readonly account: () => Promise<AccountOfRider>;
  readonly devices: () => Promise<readonly SignedInDevice[]>;
  readonly rides: () => Promise<readonly RideOfAccount[]>;
  readonly changePassword: (password: string, next: string) => Promise<void>;
  readonly deleteAccount: (password: string) => Promise<void>;
  /** Makes the ride this device keeps the account's. */
  readonly claim: (ride: { sessionId: string; clientId: string; token: string }) => Promise<void>;
  /** Where this device takes one of the account's rides up. */
  readonly takeUp: (sessionId: string) => Promise<string>;
  /** `fetch` that says whose request it is, when this device is signed in. */
  readonly fetch: typeof globalThis.fetch;
  /** Any other request for who is signed in, and whose it is then. */
  readonly ask: (method: string, path: string, body?: Body) => Promise<Body>;
  readonly accountId: () => string | undefined;
  /** How the service is, for an operator. Rejects with `not-found` for anybody else. */
  readonly service: () => Promise<Body>;
}

export function accountClient(keeper: LoginKeeper): AccountClient {
  const authorized = async (method: string, path: string, body?: Body): Promise<Body> => {
    const token = await keeper.access();
    if (token === undefined) throw new AccountError('login-ended', 'You are not signed in here.');
    return ask(method, path, body, { authorization: `Bearer ${token}` }).catch((error: unknown) => {
      if (error instanceof AccountError && error.code === 'access-refused') keeper.refused(token);
      throw error;
    });
  };
  const end = async (method: string, path: string, body?: Body): Promise<void> => {
    await authorized(method, path, body);
    keeper.forget();
  };
  return {
    isSignedIn: keeper.isSignedIn,
    register: async (email) => void (await ask('POST', '/v1/accounts', { email })),
    askForReset: async (email) => void (await ask('POST', '/v1/accounts/resets', { email })),
    choosePassword: async (token, password) =>
      keeper.keep(
        await ask('POST', '/v1/accounts/passwords', { token, password, device: deviceName() }),
      ),
    signIn: async (email, password) =>
      keeper.keep(await ask('POST', '/v1/logins', { email, password, device: deviceName() })),
    signOut: async () => {
      await ask('POST', '/v1/logins/end');
      keeper.forget();
    },
    signOutEverywhere: () => end('DELETE', '/v1/logins'),
    endDevice: async (id) => void (await authorized('DELETE', `/v1/logins/${id}`)),
    account: async () => {
      const body = await authorized('GET', '/v1/accounts/me');
      return {
        email: text(body, 'email'),
        createdAt: text(body, 'created_at'),
        isOperator: body['is_operator'] === true,
      };
    },
    devices: async () =>
      list(await authorized('GET', '/v1/logins'), 'logins').map((row) => ({
        loginId: text(row, 'login_id'),
        name: text(row, 'device'),
        isThis: row['is_this'] === true,
        lastUsedAt: text(row, 'last_used_at'),
      })),
    rides: async () =>
      list(await authorized('GET', '/v1/accounts/me/sessions'), 'sessions').map((row) => ({
        sessionId: text(row, 'session_id'),
        createdAt: text(row, 'created_at'),
      })),
    changePassword: async (password, next) =>
      void (await authorized('POST', '/v1/accounts/me/password', { password, new_password: next })),
    deleteAccount: (password) => end('DELETE', '/v1/accounts/me', { password }),
    claim: async ({ sessionId, clientId, token }) => {
      const body = { session_id: sessionId, client_id: clientId, token };
      await authorized('POST', '/v1/accounts/me/sessions', body);
    },
    takeUp: async (id) =>
      text(await authorized('POST', `/v1/accounts/me/sessions/${id}/clients`), 'resume_url'),
    ask: authorized,
    accountId: keeper.accountId,
    service: () => authorized('GET', '/v1/operator'),
    fetch: (input, init) => fetchAs(keeper, input, init),
  };
}

/** As whoever is signed in, or as nobody. */
async function fetchAs(
  keeper: LoginKeeper,
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
): Promise<Response> {
  const send = (token: string | undefined): Promise<Response> => {
    const headers = new Headers(init?.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    return globalThis.fetch(input, { ...init, headers });
  };
  const token = await keeper.access();
  const response = await send(token);
  if (response.status !== 401 || token === undefined) return response;
  // Signed out by another device or tab: a ride begins all the same, as one without an account.
  keeper.refused(token);
  return send(await keeper.access());
}

/** What the rider will know this device by in a list of them. */
function deviceName(): string {
  const { userAgent } = navigator;
  const pick = (names: readonly (readonly [string, string])[]): string | undefined =>
    names.find(([part]) => userAgent.includes(part))?.[1];
  const browser = pick([
    ['Firefox', 'Firefox'],
    ['Edg', 'Edge'],
    ['Chrome', 'Chrome'],
    ['Safari', 'Safari'],
  ]);
  const system = pick([
    ['Android', 'Android'],
    ['iPhone', 'an iPhone'],
    ['iPad', 'an iPad'],
    ['Mac', 'a Mac'],
    ['Windows', 'Windows'],
    ['Linux', 'Linux'],
  ]);
  return `${browser ?? 'A browser'} on ${system ?? 'a device'}`;
}
