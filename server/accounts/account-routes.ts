/** An account's life: asked for, given a password by who reads its mailbox, looked at, changed, deleted. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { askerOf, type Asker } from './access.ts';
import type { AccountParts } from './account-parts.ts';
import { AccountProblemError } from './account-problems.ts';
import { accountKey, addressOf, takeTries } from './account-rates.ts';
import { newAccountId, newSecret, tokenHash } from './account-tokens.ts';
import { sendSignedIn } from './login-routes.ts';
import {
  alreadyRegisteredMail,
  passwordChangedMail,
  registrationMail,
  resetMail,
} from './mail-texts.ts';
import { bcryptInput, readNewPassword } from './password-rules.ts';
import { addressIn, bodies, fitPassword, readBody, taking } from './request-bodies.ts';
import { beginLogin, verifyPassword } from './sign-in.ts';

/** Milliseconds a mailed link is good. */
const mailTokenMs = 3_600_000;

export function installAccountRoutes(app: FastifyInstance, parts: AccountParts): void {
  app.post('/v1/accounts', taking(bodies.email), async (request, reply) => {
    await mailLink(parts, request, 'registration');
    return reply.code(202).send({});
  });
  app.post('/v1/accounts/resets', taking(bodies.email), async (request, reply) => {
    await mailLink(parts, request, 'reset');
    return reply.code(202).send({});
  });
  app.post('/v1/accounts/passwords', taking(bodies.chosenPassword), async (request, reply) => {
    const body = readBody(bodies.chosenPassword, request);
    const signedIn = await choosePassword(parts, request, body);
    return sendSignedIn(parts, { request, reply }, signedIn, body.refresh_in);
  });
  app.get('/v1/accounts/me', async (request, reply) => {
    const { account } = await askerOf(parts, request);
    return reply.send({
      account_id: account.accountId,
      email: account.email,
      is_operator: account.isOperator,
      created_at: account.createdAt.toISOString(),
    });
  });
  app.post('/v1/accounts/me/password', taking(bodies.passwordChange), async (request, reply) => {
    const asker = await askerOf(parts, request);
    await changePassword(parts, asker, readBody(bodies.passwordChange, request));
    return reply.code(204).send();
  });
  app.delete('/v1/accounts/me', taking(bodies.deletion), async (request, reply) => {
    const asker = await askerOf(parts, request);
    const { password } = readBody(bodies.deletion, request);
    const { accountId, passwordHash } = await proveAgain(parts, asker, password);
    const { tombstoneMs } = parts.sessions;
    const sessionIds = await parts.accounts.deleteAccount(accountId, passwordHash, tombstoneMs);
    if (sessionIds === undefined) throw new AccountProblemError('login-refused');
    await parts.sessions.forget(sessionIds);
    return reply.code(204).send();
  });
}

/** The same answer, after the same statements, for every address: which mail goes out, if any, only its owner sees. */
async function mailLink(
  { accounts, mailer, limit, rates, publicUrl }: AccountParts,
  request: FastifyRequest,
  occasion: 'registration' | 'reset',
): Promise<void> {
  const email = addressIn(readBody(bodies.email, request).email);
  if (mailer === undefined) throw new AccountProblemError('mail-absent');
  const tries = [
    [rates.mailByAddress, addressOf(request)],
    [rates.mailByAccount, accountKey(email)],
  ] as const;
  await takeTries(limit, ...tries);
  const account = await accounts.findByEmail(email);
  const token = newSecret();
  await accounts.keepMailToken(tokenHash(token), email, mailTokenMs);
  const link = { email, base: publicUrl ?? '', token };
  if (occasion === 'reset') {
    if (account !== undefined) mailer.send(resetMail(link));
  } else mailer.send(account === undefined ? registrationMail(link) : alreadyRegisteredMail(link));
}

async function choosePassword(
  parts: AccountParts,
  request: FastifyRequest,
  { token, password: text, device }: { token: string; password: string; device: string },
) {
  const { accounts, hasher, limit, rates } = parts;
  await takeTries(limit, [rates.loginByAddress, addressOf(request)]);
  const email = await accounts.findMailToken(tokenHash(token));
  if (email === undefined) throw new AccountProblemError('mail-token-unknown');
  const password = fitPassword(readNewPassword(text, email));
  const passwordHash = await hasher.hash(bcryptInput(password));
  // Spent only now: a try that was refused above, or had to wait, leaves the link good.
  const newId = newAccountId();
  const accountId = await accounts.setPasswordByMail(tokenHash(token), newId, passwordHash);
  if (accountId === undefined) throw new AccountProblemError('mail-token-unknown');
  parts.revokeSoon();
  if (accountId !== newId) parts.mailer?.send(passwordChangedMail(email));
  await limit.clear(rates.loginByAccount, accountKey(email));
  return beginLogin(parts, { accountId, passwordHash }, device);
}

async function changePassword(
  parts: AccountParts,
  asker: Asker,
  { password, new_password: text }: { password: string; new_password: string },
): Promise<void> {
  const next = fitPassword(readNewPassword(text, asker.account.email));
  const { accountId, email, passwordHash: formerHash } = await proveAgain(parts, asker, password);
  const hasChanged = await parts.accounts.changePassword({
    accountId,
    formerHash,
    passwordHash: await parts.hasher.hash(bcryptInput(next)),
    keptLoginId: asker.identity.loginId,
  });
  if (!hasChanged) throw new AccountProblemError('login-refused');
  parts.revokeSoon();
  parts.mailer?.send(passwordChangedMail(email));
}

/** A device left unlocked is not enough for what cannot be undone. */
async function proveAgain(parts: AccountParts, { account, identity }: Asker, text: string) {
  const { limit, rates } = parts;
  const tries = [rates.proofByLogin, identity.loginId] as const;
  await takeTries(limit, tries);
  const proven = await verifyPassword(parts, account, text.normalize('NFC'));
  if (proven === undefined) throw new AccountProblemError('login-refused');
  await limit.clear(...tries);
  return proven;
}
