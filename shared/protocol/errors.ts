/** The other side's mistakes: a stable code, one sentence, and how the connection ends. */
import { closeCodes, type CloseCode } from './close-codes.ts';

/** Codes that never change their meaning; they stand in close reasons and in `problem+json`. */
export type ErrorCode =
  | 'bad-frame'
  | 'unknown-frame'
  | 'hello-expected'
  | 'hello-repeated'
  | 'too-many-commands'
  | 'too-many-in-flight'
  | 'too-many-frames'
  | 'too-many-connections'
  | 'too-many-writers'
  | 'token-invalid'
  | 'token-retired'
  | 'token-revoked'
  | 'session-unknown'
  | 'session-forgotten'
  | 'origin-invalid'
  | 'schema-too-new'
  | 'client-too-old'
  | 'client-too-new'
  | 'kind-mismatch'
  | 'storage-diverged'
  | 'version-unsupported'
  | 'store-unavailable'
  | 'draining'
  | 'internal';

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ErrorCode;
  readonly closeCode: CloseCode;

  constructor(code: ErrorCode, sentence: string, closeCode: CloseCode = closeCodes.protocolError) {
    super(sentence);
    this.code = code;
    this.closeCode = closeCode;
  }
}
