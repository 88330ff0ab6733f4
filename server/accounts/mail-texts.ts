/** What is mailed. The link's secret is in its fragment, which no server and no proxy on the way gets to see. */
import type { Mail } from './mailer.ts';

export interface MailOccasion {
  readonly email: string;
  /** Where the page is; '' when the service does not know. */
  readonly base: string;
  readonly token: string;
}

const link = ({ base, token }: MailOccasion): string => `${base}/#password=${token}`;

export function registrationMail(occasion: MailOccasion): Mail {
  return {
    to: occasion.email,
    subject: 'Your Trackstand account',
    text: `Somebody, you we hope, asked for an account with this address.

Choose a password here within an hour, and the account is yours:
${link(occasion)}

If it was not you, do nothing: without this link nobody gets an account in your name.
`,
  };
}

export function alreadyRegisteredMail(occasion: MailOccasion): Mail {
  return {
    to: occasion.email,
    subject: 'You have a Trackstand account',
    text: `Somebody, you we hope, asked for an account with this address. It has one already.

Sign in with your password. If you do not know it any more, choose another one here within an hour:
${link(occasion)}

If it was not you, do nothing: nothing has changed, and they were not told that you have an account.
`,
  };
}

export function resetMail(occasion: MailOccasion): Mail {
  return {
    to: occasion.email,
    subject: 'Another password for Trackstand',
    text: `Somebody, you we hope, wants to choose another password for your account.

Do it here within an hour. All your devices are signed out then:
${link(occasion)}

If it was not you, do nothing: your password is still good.
`,
  };
}

export function passwordChangedMail(email: string): Mail {
  return {
    to: email,
    subject: 'Your Trackstand password was changed',
    text: `The password of your account was changed just now, and other devices were signed out.

If it was not you, ask for another password at once: "Forgot your password?" on the page where you sign in.
`,
  };
}
