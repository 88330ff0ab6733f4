/** The account: its rides, its devices, its password, and its end. */
import type { AccountClient, RideOfAccount, SignedInDevice } from './account-client.ts';
import { button, element, setText, showScreen } from './dom.ts';
import { accountFrame, form, newPasswordField, passwordField } from './form-screen.ts';

export interface AccountScreenParts {
  readonly client: AccountClient;
  /** Takes a ride up on this device; absent while it keeps another one. */
  readonly takeUp: ((resumeUrl: string) => Promise<void>) | undefined;
  /** Back to the choice of workouts, or to the ride. */
  readonly leave: () => void;
  /** How the service is, for who may see that. */
  readonly openService: () => void;
  /** Rejects with one sentence while something on this device is still to be delivered to the account. */
  readonly mayLeave: () => Promise<void>;
  /** This device is not signed in any more. */
  readonly signedOut: () => void;
}

/** Rejects with one sentence when the account cannot be read. */
export async function showAccount(parts: AccountScreenParts): Promise<void> {
  const { client, leave, mayLeave, signedOut, openService } = parts;
  const [account, devices, rides] = await Promise.all([
    client.account(),
    client.devices(),
    client.rides(),
  ]);
  const told = element('p', { class: 'hint', role: 'status' });
  const tell = (error: unknown): void =>
    setText(told, error instanceof Error ? error.message : 'That did not work.');
  const again = (): void => void showAccount(parts).catch(tell);
  const signOut = (): void => void mayLeave().then(client.signOut).then(signedOut, tell);
  showScreen(
    accountFrame({
      title: account.email,
      content: [
        told,
        section('Your rides', [rideList(parts, rides, tell)]),
        section('Your devices', [
          deviceList(devices, (id) => void client.endDevice(id).then(again, tell)),
          button({}, ['Sign out everywhere'], () => {
            void mayLeave().then(client.signOutEverywhere).then(signedOut, tell);
          }),
        ]),
        section('Your password', [passwordForm(client)]),
        deletion(parts),
      ],
      ways: [
        ['Back', leave],
        ...(account.isOperator ? [['The service', openService] as const] : []),
        ['Sign out', signOut],
      ],
    }),
  );
}

/** In its place, while the service is away. */
export function showAccountAway(sentence: string, again: () => void, leave: () => void): void {
  showScreen(
    accountFrame({
      title: 'Your account',
      content: [element('p', { class: 'hint', role: 'status' }, [sentence])],
      ways: [
        ['Try again', again],
        ['Back', leave],
      ],
    }),
  );
}

function section(title: string, content: readonly HTMLElement[]): HTMLElement {
  return element('section', {}, [element('h2', {}, [title]), ...content]);
}

function rideList(
  { client, takeUp }: AccountScreenParts,
  rides: readonly RideOfAccount[],
  tell: (error: unknown) => void,
): HTMLElement {
  if (rides.length === 0) return element('p', { class: 'dim' }, ['None yet.']);
  const rows = rides.map(({ sessionId, createdAt }) => {
    const ride = (): void =>
      void client
        .takeUp(sessionId)
        .then((resumeUrl) => takeUp?.(resumeUrl))
        .catch(tell);
    const way = takeUp === undefined ? [] : [button({}, ['Open here'], ride)];
    return element('li', {}, [element('span', {}, [`Begun ${dayAndTime(createdAt)}`]), ...way]);
  });
  return element('ul', { class: 'rows' }, rows);
}

function deviceList(
  devices: readonly SignedInDevice[],
  end: (loginId: string) => void,
): HTMLElement {
  const rows = devices.map(({ loginId, name, isThis, lastUsedAt }) => {
    const used = isThis ? 'this device' : `used ${dayAndTime(lastUsedAt)}`;
    const way = isThis ? [] : [button({}, ['Sign out'], () => end(loginId))];
    return element('li', {}, [
      element('span', {}, [
        `${name === '' ? 'A device' : name} `,
        element('span', { class: 'dim' }, [used]),
      ]),
      ...way,
    ]);
  });
  return element('ul', { class: 'rows' }, rows);
}

function passwordForm(client: AccountClient): HTMLElement {
  const act = async ({ password, next }: Readonly<Record<'password' | 'next', string>>) => {
    await client.changePassword(password, next);
    return 'Changed. Your other devices are signed out.';
  };
  return form({ fields: [passwordField, newPasswordField], submit: 'Change it', act });
}

/** Folded away: nobody comes upon it by accident, and the password is asked for. */
function deletion({ client, mayLeave, signedOut }: AccountScreenParts): HTMLElement {
  const field = { ...passwordField, name: 'proof', label: 'Your password' } as const;
  const act = async ({ proof }: Readonly<Record<'proof', string>>) => {
    await mayLeave();
    await client.deleteAccount(proof);
    signedOut();
  };
  return element('details', {}, [
    element('summary', {}, ['Delete the account']),
    element('p', { class: 'dim' }, ['All your rides go with it. Nobody can bring them back.']),
    form({ fields: [field], submit: 'Delete everything', act }),
  ]);
}

function dayAndTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
