/** What account routes answer when they do not do what was asked: RFC 9457 with a stable code. The one place where it is written. */
import type { FastifyInstance, FastifyReply } from 'fastify';

import { HashingBusyError } from '../hashing/password-hasher.ts';

/** Codes never change their meaning. */
export type AccountProblemCode =
  | 'bad-request'
  | 'password-unfit'
  | 'login-refused'
  | 'login-ended'
  | 'access-refused'
  | 'cross-site'
  | 'mail-token-unknown'
  | 'not-found'
  | 'session-unknown'
  | 'session-taken'
  | 'too-many-tries'
  | 'hashing-busy'
  | 'mail-absent';

/** Status and title of each. ACCOUNTS.md's table is checked against this one. */
export const accountProblems: Readonly<
  Record<AccountProblemCode, readonly [status: number, title: string]>
> = {
  'bad-request': [400, 'The request is not as the documentation says.'],
  'password-unfit': [400, 'That password cannot be taken.'],
  'login-refused': [401, 'The e-mail address or the password is wrong.'],
  'login-ended': [401, 'This device is not signed in any more.'],
  'access-refused': [401, 'The access token is missing, has expired, or its login has ended.'],
  'cross-site': [403, 'Another site asked for this.'],
  'mail-token-unknown': [404, 'That link was used already, or its time is over.'],
  'not-found': [404, 'There is nothing here.'],
  'session-unknown': [404, 'There is no such session, or its time is over.'],
  'session-taken': [409, 'That session has another owner.'],
  'too-many-tries': [429, 'Too many tries; wait a while.'],
  'hashing-busy': [503, 'Too many people sign in at this moment; try again.'],
  'mail-absent': [503, 'This service sends no mail: ask its operator for an account.'],
};

/** A route cannot do what was asked. */
export class AccountProblemError extends Error {
  override readonly name = 'AccountProblemError';
  readonly code: AccountProblemCode;
  readonly detail: string | undefined;
  readonly retryAfterS: number | undefined;

  constructor(
    code: AccountProblemCode,
    more: { readonly detail?: string; readonly retryAfterS?: number } = {},
  ) {
    super(accountProblems[code][1]);
    this.code = code;
    this.detail = more.detail;
    this.retryAfterS = more.retryAfterS;
  }
}

/** Answers what account routes throw; what is not theirs goes to whoever answers for the service. */
export function installAccountProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof HashingBusyError)
      return sendAccountProblem(
        reply,
        new AccountProblemError('hashing-busy', { retryAfterS: error.retryAfterS }),
      );
    if (error instanceof AccountProblemError) return sendAccountProblem(reply, error);
    throw error;
  });
}

function sendAccountProblem(
  reply: FastifyReply,
  { code, detail, retryAfterS }: AccountProblemError,
): FastifyReply {
  const [status, title] = accountProblems[code];
  if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
  const body = {
    type: 'about:blank',
    title,
    status,
    code,
    ...(detail !== undefined && { detail }),
  };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
}
