/** What a client is told whose schema version this instance does not know. [H6] */
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';
import type { Hello } from '../../shared/protocol/frames.ts';

export interface SchemaParts {
  /** Newest schema version this instance knows, by kind. */
  readonly versions: Readonly<Record<string, number>>;
  /** Whether the service went back to states older than a client's version; may reject. */
  readonly isTakenBack: (sessionId: string, version: number) => Promise<boolean>;
}

export function knowsSchema({ versions }: SchemaParts, { kind, version }: Hello): boolean {
  const known = Object.hasOwn(versions, kind) ? versions[kind] : undefined;
  return known !== undefined && version <= known;
}

/** Another instance will do, unless the release that knows this version was taken back: then the client would ask for ever. */
export async function schemaRefusal(
  { isTakenBack }: SchemaParts,
  sessionId: string,
  { version }: Hello,
): Promise<ProtocolError> {
  if (!(await isTakenBack(sessionId, version).catch(() => false))) return schemaTooNew();
  return new ProtocolError('client-too-new', 'Load the app anew.', closeCodes.clientTooNew);
}

export function schemaTooNew(): ProtocolError {
  return new ProtocolError(
    'schema-too-new',
    'This instance does not know that schema version; another one will.',
    closeCodes.schemaTooNew,
  );
}
