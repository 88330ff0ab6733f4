/** Whether this device is signed in, and the access token that says so; it is renewed when it is needed. */
import type { Clock } from '../../shared/clock.ts';
import { AccountError, ask, text, type Body } from './account-requests.ts';
import { forgetKey } from './intervals/kept-key.ts';

export interface LoginKeeper {
  /** Whether this device was signed in when it was last heard of. */
  readonly isSignedIn: () => boolean;
  /** Keeps what the service answered to who signed in. A key for intervals.icu is of who was here before: it is forgotten. */
  readonly keep: (tokens: Body) => void;
  /** A key for intervals.icu goes too. */
  readonly forget: () => void;
  /** An access token that is good for a while; undefined when this device is not signed in. Rejects with AccountError. */
  readonly access: () => Promise<string | undefined>;
  /** The service did not take that one: the login was ended elsewhere. The next one is asked for anew. */
  readonly refused: (token: string) => void;
  /** Whose token that was; undefined until there was one. */
  readonly accountId: () => string | undefined;
}

/** Only says that there is something to ask for: the token itself is in a cookie no script reads. */
const hintKey = 'trackstand-signed-in';

/** Milliseconds before its end at which an access token is not begun with any more. */
const marginMs = 30_000;

export function loginKeeper(clock: Clock): LoginKeeper {
  let access: { readonly token: string; readonly untilMs: number } | undefined;
  let accountId: string | undefined;
  const keep = (body: Body): void => {
    const validMs = Number(body['expires_in_s']) * 1_000;
    access = { token: text(body, 'access_token'), untilMs: clock.nowMs() + validMs };
    accountId = text(body, 'account_id');
    setHint(true);
  };
  const forget = (): void => {
    access = undefined;
    accountId = undefined;
    setHint(false);
    // Whoever uses this device next must not ride by it; a key is worth more than a workout.
    forgetKey();
  };
  const current = (): string | undefined =>
    access !== undefined && clock.nowMs() < access.untilMs - marginMs ? access.token : undefined;
  const refresh = async (): Promise<string | undefined> => {
    if (current() !== undefined || !hasHint()) return current();
    try {
      keep(await ask('POST', '/v1/logins/refresh'));
    } catch (error) {
      if (!(error instanceof AccountError) || error.code !== 'login-ended') throw error;
      forget();
    }
    return current();
  };
  /** One tab at a time spares the service work. Where there are no locks it answers all of them, and one cookie is left. */
  const inTurn = (): Promise<string | undefined> =>
    navigator.locks?.request('trackstand-login', refresh) ?? refresh();
  return {
    isSignedIn: hasHint,
    keep: (body) => {
      forgetKey();
      keep(body);
    },
    forget,
    accountId: () => accountId,
    access: async () => current() ?? (hasHint() ? inTurn() : undefined),
    refused: (token) => {
      if (access?.token === token) access = undefined;
    },
  };
}

function hasHint(): boolean {
  try {
    return localStorage.getItem(hintKey) !== null;
  } catch {
    return false;
  }
}

/** Where nothing can be kept, the next page begins signed out. */
function setHint(isSignedIn: boolean): void {
  try {
    if (isSignedIn) localStorage.setItem(hintKey, 'yes');
    else localStorage.removeItem(hintKey);
  } catch {
    // See above.
  }
}
