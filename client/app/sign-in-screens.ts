/** The way in: sign in, register, ask for another password, choose one. */
import type { AccountClient } from './account-client.ts';
import { element, showScreen } from './dom.ts';
import { accountFrame, emailField, form, newPasswordField, passwordField } from './form-screen.ts';

export interface SignInParts {
  readonly client: AccountClient;
  /** This device is signed in now. */
  readonly done: () => void;
  /** Back to where one came from, signed in or not. */
  readonly leave: () => void;
}

const sent = 'A mail is on its way, if that address is right. The link in it is good for an hour.';

export function showSignIn(parts: SignInParts): void {
  const { client, done, leave } = parts;
  const act = async ({ email, password }: Readonly<Record<'email' | 'password', string>>) => {
    await client.signIn(email, password);
    done();
  };
  showScreen(
    accountFrame({
      title: 'Sign in',
      content: [
        lead(
          'Your rides are yours on every device then. Without an account you ride just as well.',
        ),
        form({ fields: [emailField, passwordField], submit: 'Sign in', act }),
      ],
      ways: [
        ['Make an account', () => showRegister(parts)],
        ['Forgot your password?', () => showReset(parts)],
        ['Back', leave],
      ],
    }),
  );
}

function showRegister(parts: SignInParts): void {
  const act = async ({ email }: Readonly<Record<'email', string>>) => {
    await parts.client.register(email);
    return sent;
  };
  showScreen(
    accountFrame({
      title: 'Make an account',
      content: [
        lead('You get a mail with a link, and choose your password there.'),
        form({ fields: [emailField], submit: 'Send me the link', act }),
      ],
      ways: [
        ['Sign in instead', () => showSignIn(parts)],
        ['Back', parts.leave],
      ],
    }),
  );
}

function showReset(parts: SignInParts): void {
  const act = async ({ email }: Readonly<Record<'email', string>>) => {
    await parts.client.askForReset(email);
    return sent;
  };
  showScreen(
    accountFrame({
      title: 'Another password',
      content: [
        lead('You get a mail with a link. All your devices are signed out when you follow it.'),
        form({ fields: [emailField], submit: 'Send me the link', act }),
      ],
      ways: [
        ['Sign in instead', () => showSignIn(parts)],
        ['Back', parts.leave],
      ],
    }),
  );
}

/** `token`: of the link that was mailed. */
export function showChoosePassword(parts: SignInParts, token: string): void {
  const act = async ({ next }: Readonly<Record<'next', string>>) => {
    await parts.client.choosePassword(token, next);
    parts.done();
  };
  showScreen(
    accountFrame({
      title: 'Choose a password',
      content: [form({ fields: [newPasswordField], submit: 'Take this one', act })],
      ways: [['Not now', parts.leave]],
    }),
  );
}

function lead(sentence: string): HTMLElement {
  return element('p', { class: 'dim' }, [sentence]);
}
