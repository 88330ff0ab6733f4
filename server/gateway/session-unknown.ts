import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';

/** Neither a store nor the client knows how the session began. [R9] */
export function sessionUnknown(): ProtocolError {
  return new ProtocolError(
    'session-unknown',
    'There is no such session.',
    closeCodes.unknownSession,
  );
}
