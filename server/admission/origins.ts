/**
 * Whose pages may talk to this service. Tokens are no cookies, so another site's page has nothing to ride on; it is turned away all
 * the same, before it costs anything. Without an Origin it is no page: other programs send none, and need the token like everybody. [F1]
 */

export interface Origins {
  /** `host`: what the request was sent to. */
  readonly allows: (origin: string, host: string) => boolean;
}

export interface OriginSettings {
  /** The service's own address; without it, the host a request was sent to counts, whatever the scheme. */
  readonly publicUrl?: string | undefined;
  /** Other sites, as `https://host[:port]`. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

export function createOrigins({ publicUrl, allowedOrigins = [] }: OriginSettings): Origins {
  const own = publicUrl === undefined ? [] : [new URL(publicUrl).origin];
  const listed = new Set([...own, ...allowedOrigins]);
  return {
    allows: (origin, host) =>
      listed.has(origin) || (publicUrl === undefined && isSameHost(origin, host)),
  };
}

/** A proxy may speak TLS for us without saying so: the scheme does not count. */
function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: originHost, origin: whole } = new URL(origin);
  // Only the exact form a browser sends; `null` of a sandboxed page is no origin.
  if (whole !== origin || !URL.canParse(`${protocol}//${host}`)) return false;
  return new URL(`${protocol}//${host}`).host === originHost;
}
