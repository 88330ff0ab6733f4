/** A rider with an account: made over HTTP, signed in to on the page. */
import type { SmtpSink } from '../accounts/smtp-sink.ts';
import type { Rider } from './live-page.ts';

export const ridersPassword = 'mistral over ventoux';

/** The account of whoever reads that mailbox; the settings of the server need `MAIL_URL`. */
export async function makeAccount(url: string, mails: SmtpSink, email: string): Promise<void> {
  const post = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };
  await post('/v1/accounts', { email });
  const { text } = await mails.next();
  const [, token] = /#password=([\w-]{43})/.exec(text) ?? [];
  await post('/v1/accounts/passwords', { token, password: ridersPassword, refresh_in: 'body' });
}

/** From the choice of workouts to the account, and back to the choice. */
export async function signIn({ page }: Rider, email: string): Promise<void> {
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(ridersPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: email }).waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
}
