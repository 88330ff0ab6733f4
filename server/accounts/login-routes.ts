/** Devices: signed in, kept signed in, listed, signed out. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { askerOf } from './access.ts';
import type { AccountParts } from './account-parts.ts';
import { AccountProblemError } from './account-problems.ts';
import { accountKey, addressOf, takeTries } from './account-rates.ts';
import type { Which } from './login-book.ts';
import { isCrossSite, readLoginCookie, setLoginCookie } from './login-cookie.ts';
import { addressIn, bodies, idParam, readBody, taking } from './request-bodies.ts';
import { refreshLogin, signIn, type SignedIn } from './sign-in.ts';

export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export function installLoginRoutes(app: FastifyInstance, parts: AccountParts): void {
  const { limit, rates, logins, publicUrl } = parts;
  app.post('/v1/logins', taking(bodies.login), async (request, reply) => {
    const body = readBody(bodies.login, request);
    const email = addressIn(body.email);
    const account = [rates.loginByAccount, accountKey(email)] as const;
    await takeTries(limit, [rates.loginByAddress, addressOf(request)], account);
    const password = body.password.normalize('NFC');
    const signedIn = await signIn(parts, { email, password, device: body.device });
    if (signedIn === undefined) throw new AccountProblemError('login-refused');
    await limit.clear(...account);
    return sendSignedIn(parts, { request, reply }, signedIn, body.refresh_in);
  });
  app.post('/v1/logins/refresh', taking(bodies.refresh), async (request, reply) => {
    const { token, place } = refreshTokenOf(parts, request);
    await takeTries(limit, [rates.refreshByAddress, addressOf(request)]);
    const signedIn = token === undefined ? undefined : await refreshLogin(parts, token);
    if (signedIn === undefined && place === 'cookie')
      setLoginCookie({ request, reply }, publicUrl, undefined, 0);
    if (signedIn === undefined) throw new AccountProblemError('login-ended');
    return sendSignedIn(parts, { request, reply }, signedIn, place);
  });
  app.post('/v1/logins/end', taking(bodies.refresh), async (request, reply) => {
    const { token } = refreshTokenOf(parts, request);
    await takeTries(limit, [rates.refreshByAddress, addressOf(request)]);
    const loginId = token === undefined ? undefined : parts.tokens.proveRefresh(token);
    setLoginCookie({ request, reply }, publicUrl, undefined, 0);
    // Signing out works with any token of the login, and twice: what matters is that it is over.
    if (loginId !== undefined && (await logins.endById(loginId))) parts.revokeSoon();
    return reply.code(204).send();
  });
  app.get('/v1/logins', async (request, reply) => {
    const { identity } = await askerOf(parts, request);
    const devices = await logins.list(identity.accountId);
    return reply.send({
      logins: devices.map(({ loginId, name, createdAt, lastUsedAt }) => ({
        login_id: loginId,
        device: name,
        is_this: loginId === identity.loginId,
        created_at: createdAt.toISOString(),
        last_used_at: lastUsedAt.toISOString(),
      })),
    });
  });
  const end = async (request: FastifyRequest, which: (loginId: string) => Which) => {
    const { identity } = await askerOf(parts, request);
    const count = await logins.end(identity.accountId, which(identity.loginId));
    if (count > 0) parts.revokeSoon();
    return count;
  };
  app.delete('/v1/logins', async (request, reply) => {
    await end(request, () => ({ kind: 'all' }));
    setLoginCookie({ request, reply }, publicUrl, undefined, 0);
    return reply.code(204).send();
  });
  app.delete('/v1/logins/:login_id', async (request, reply) => {
    const count = await end(request, () => ({
      kind: 'one',
      loginId: idParam(request, 'login_id'),
    }));
    if (count === 0) throw new AccountProblemError('not-found');
    return reply.code(204).send();
  });
}

/** In the body from programs that have no cookies, else in the cookie. Throws when another site's page asks. */
function refreshTokenOf({ publicUrl }: AccountParts, request: FastifyRequest) {
  const inBody = readBody(bodies.refresh, request)?.refresh_token;
  if (inBody !== undefined) return { token: inBody, place: 'body' as const };
  if (isCrossSite(request)) throw new AccountProblemError('cross-site');
  return { token: readLoginCookie(request, publicUrl), place: 'cookie' as const };
}

/** `signedIn` undefined: the password was changed while it was being proven. */
export function sendSignedIn(
  { publicUrl }: Pick<AccountParts, 'publicUrl'>,
  exchange: Exchange,
  signedIn: SignedIn | undefined,
  place: 'cookie' | 'body',
): FastifyReply {
  if (signedIn === undefined) throw new AccountProblemError('login-refused');
  const { identity, accessToken, accessMs, refreshToken, loginMs } = signedIn;
  if (place === 'cookie' && refreshToken !== undefined)
    setLoginCookie(exchange, publicUrl, refreshToken, loginMs);
  return exchange.reply
    .code(200)
    .header('cache-control', 'no-store')
    .send({
      account_id: identity.accountId,
      login_id: identity.loginId,
      access_token: accessToken,
      expires_in_s: Math.floor(accessMs / 1_000),
      ...(place === 'body' && refreshToken !== undefined && { refresh_token: refreshToken }),
    });
}
