/** What account routes take, and one sentence for what they do not. */
import type { FastifyRequest } from 'fastify';
import * as v from 'valibot';

import { idSchema } from '../../shared/protocol/frames.ts';
import { AccountProblemError } from './account-problems.ts';
import { readEmail } from './email-address.ts';
import type { ReadPassword } from './password-rules.ts';

/** Bytes of a body: the longest password and address fit several times. */
const accountBodyBytesMax = 4_096;

/** Characters of anything a password could be; what is longer is no try but a burden. */
const password = v.pipe(v.string(), v.maxLength(1_024));
const email = v.pipe(v.string(), v.maxLength(320));
/** A name to show in a list. Postgres refuses text with a NUL in it, and its refusal looks like a store that is away. */
const device = v.optional(
  v.pipe(
    v.string(),
    v.transform((text) => text.replaceAll(/\p{Cc}+/gu, ' ')),
    v.trim(),
    v.maxLength(80),
  ),
  '',
);
const token = v.pipe(v.string(), v.maxLength(256));
/** What somebody calls a thing of theirs, as Postgres can keep it: no NUL and no half of a surrogate pair. */
const name = v.pipe(
  v.string(),
  v.check((text) => !text.includes('\0') && !/\p{Cs}/u.test(text)),
  v.trim(),
  v.minLength(1),
  v.maxLength(200),
);
/** Where the refresh token goes: a page's own scripts must not read it, a program without cookies must. */
const refreshIn = v.optional(v.picklist(['cookie', 'body']), 'cookie');

export const bodies = {
  email: { schema: v.object({ email }), form: '{email}' },
  chosenPassword: {
    schema: v.object({ token, password, device, refresh_in: refreshIn }),
    form: '{token, password, device?, refresh_in?}',
  },
  login: {
    schema: v.object({ email, password, device, refresh_in: refreshIn }),
    form: '{email, password, device?, refresh_in?}',
  },
  refresh: {
    schema: v.optional(v.nullable(v.object({ refresh_token: v.optional(token) })), {}),
    form: '{refresh_token?}',
  },
  passwordChange: {
    schema: v.object({ password, new_password: password }),
    form: '{password, new_password}',
  },
  deletion: { schema: v.object({ password }), form: '{password}' },
  claim: {
    schema: v.object({ session_id: idSchema, client_id: idSchema, token }),
    form: '{session_id, client_id, token}',
  },
  name: { schema: v.object({ name }), form: '{name}' },
} as const;

/** Options of a route that takes that body; the schema is there for whoever lists the routes. */
export function taking({ schema }: { readonly schema: v.GenericSchema }) {
  return { bodyLimit: accountBodyBytesMax, config: { body: schema } };
}

/** Throws AccountProblemError. */
export function readBody<Schema extends v.GenericSchema>(
  { schema, form }: { readonly schema: Schema; readonly form: string },
  request: FastifyRequest,
): v.InferOutput<Schema> {
  const body = v.safeParse(schema, request.body);
  if (!body.success)
    throw new AccountProblemError('bad-request', { detail: `The body is ${form}.` });
  return body.output;
}

/** Throws AccountProblemError. */
export function addressIn(text: string): string {
  const address = readEmail(text);
  if (address === undefined)
    throw new AccountProblemError('bad-request', { detail: 'That is not an e-mail address.' });
  return address;
}

/** Throws AccountProblemError. */
export function fitPassword(read: ReadPassword): string {
  if ('fault' in read) throw new AccountProblemError('password-unfit', { detail: read.fault });
  return read.password;
}

export function idParam(request: FastifyRequest, name: string): string {
  const id = v.safeParse(v.object({ [name]: idSchema }), request.params);
  const value = id.success ? id.output[name] : undefined;
  if (value === undefined) throw new AccountProblemError('not-found');
  return value;
}
