/** What a browser may do with the page: run its own files, talk to its own service, use the trainer and keep the screen on. */
import type { FastifyInstance } from 'fastify';

/** `isTls`: whether the service is only ever reached over TLS. */
export function installPageHeaders(app: FastifyInstance, isTls: boolean): void {
  app.addHook('onRequest', (request, reply, next) => {
    void reply.headers({
      'content-security-policy': policy(request.host),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': permissions,
      ...(isTls ? { 'strict-transport-security': 'max-age=31536000' } : {}),
    });
    next();
  });
}

/** Bluetooth is the page's own by default, and browsers without it complain of its name. */
const permissions =
  'screen-wake-lock=(self), camera=(), microphone=(), geolocation=(), payment=(), usb=()';

/** No inline script or style, and nothing of another site. Some browsers do not take 'self' for a WebSocket. */
function policy(host: string): string {
  const sockets = /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
