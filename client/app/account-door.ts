/** Where the account is come to and left: from the choice of workouts, from a link in a mail, and past a ride that is kept here. */
import type { Clock } from '../../shared/clock.ts';
import type { SessionStorage } from '../session-storage.ts';
import type { AccountClient } from './account-client.ts';
import { AccountError } from './account-requests.ts';
import { showAccount, showAccountAway } from './account-screen.ts';
import { showOperator } from './operator/operator-screen.ts';
import { showChoosePassword, showSignIn, type SignInParts } from './sign-in-screens.ts';

export interface AccountDoorParts {
  readonly client: AccountClient;
  readonly clock: Clock;
  readonly storage: SessionStorage;
  /** Back to the ride or to the choice of workouts, whichever there is. */
  readonly leave: () => void;
  /** This device is not signed in any more, because its rider wanted so. */
  readonly signedOut: () => void;
  /** Takes a ride of the account up on this device. */
  readonly takeUp: (resumeUrl: string) => Promise<void>;
}

export interface AccountDoor {
  readonly label: () => string;
  readonly open: () => void;
  /** Opens what the address asks for: the account, the operators' page, or the choice of a password. False when it asks for none of them. */
  readonly openFromAddress: () => boolean;
  /** Makes the ride this device keeps the account's, when it is signed in. It is a ride all the same when that does not work. */
  readonly claimRide: () => Promise<void>;
}

/** What the service says of a login that is over. */
const endings: readonly string[] = ['access-refused', 'login-ended'];

const undelivered =
  'The ride on this device is not in your account yet: go back to it until it is saved, and come again then.';

export function accountDoor({
  client,
  clock,
  storage,
  leave,
  signedOut,
  takeUp,
}: AccountDoorParts): AccountDoor {
  const claimRide = async (): Promise<void> => {
    const kept = await storage.load();
    if (kept === undefined || !client.isSignedIn()) return;
    const { sessionId, clientId, token } = kept.session;
    await client.claim({ sessionId, clientId, token }).catch(() => {});
  };
  /** A ride begun without a network is nobody's until it is delivered: it would be the next one's who signs in here. */
  const mayLeave = async (): Promise<void> => {
    if ((await storage.load())?.session.key !== undefined) throw new Error(undelivered);
  };
  const signIn: SignInParts = {
    client,
    leave,
    done: () => void claimRide().then(open),
  };
  const open = (): void => {
    if (client.isSignedIn()) void showSignedIn();
    else showSignIn(signIn);
  };
  const openService = (): void => {
    if (client.isSignedIn()) showOperator({ client, clock, leave });
    else showSignIn({ ...signIn, done: () => void claimRide().then(openService) });
  };
  const showSignedIn = async (): Promise<void> => {
    const isFree = (await storage.load()) === undefined;
    const offered = isFree ? takeUp : undefined;
    const parts = { client, takeUp: offered, leave, mayLeave, signedOut, openService };
    await showAccount(parts).catch((error: unknown) => {
      // Who was signed out by another device can sign in again; that helps nobody while the service is away.
      if (error instanceof AccountError && endings.includes(error.code)) showSignIn(signIn);
      else showAccountAway(error instanceof Error ? error.message : String(error), open, leave);
    });
  };
  return {
    label: () => (client.isSignedIn() ? 'Your account' : 'Sign in'),
    open,
    openFromAddress: () => {
      const [, token] = /^#password=([\w-]{43})$/.exec(location.hash) ?? [];
      const isService = location.hash === '#operator';
      if (token === undefined && !isService && location.hash !== '#account') return false;
      // What stands in the address is kept in the history, and read over a shoulder.
      history.replaceState(null, '', location.pathname);
      if (isService) openService();
      else if (token === undefined) open();
      else showChoosePassword(signIn, token);
      return true;
    },
    claimRide,
  };
}
