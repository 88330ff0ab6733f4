/** Why the embedded database ends a client's connection. */

/** Told to the client as a FATAL error with this SQLSTATE. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
