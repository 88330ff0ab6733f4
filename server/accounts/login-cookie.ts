/** The refresh token where a page's scripts cannot read it. */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The routes that need it, and no others, get to see it. */
const path = '/v1/logins';

/** Browsers take the prefix only from a secure page: a forged cookie of plain HTTP cannot stand in for it. */
const nameOf = (isSecure: boolean): string =>
  isSecure ? '__Secure-trackstand-login' : 'trackstand-login';

/** `publicUrl` decides, because a proxy may speak TLS for us. */
function isSecure(request: FastifyRequest, publicUrl: string | undefined): boolean {
  return publicUrl === undefined ? request.protocol === 'https' : publicUrl.startsWith('https:');
}

export function readLoginCookie(
  request: FastifyRequest,
  publicUrl: string | undefined,
): string | undefined {
  const name = nameOf(isSecure(request, publicUrl));
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** `token` undefined takes the cookie away. */
export function setLoginCookie(
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  publicUrl: string | undefined,
  token: string | undefined,
  loginMs: number,
): void {
  const secure = isSecure(request, publicUrl);
  const parts = [
    `${nameOf(secure)}=${token ?? ''}`,
    `Path=${path}`,
    `Max-Age=${token === undefined ? 0 : Math.floor(loginMs / 1_000)}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(secure ? ['Secure'] : []),
  ];
  void reply.header('set-cookie', parts.join('; '));
}

/** Whether another site's page asked, as far as the browser says. The cookie would not be sent then; this does not rely on it. */
export function isCrossSite(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  return site === 'cross-site' || site === 'same-site';
}
