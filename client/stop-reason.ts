/** Why a session has stopped for good on this device, by name: what an app decides by. */
import { closeCodes } from '../shared/protocol/close-codes.ts';

export type StopReason =
  /** The app closed it or had it forgotten. */
  | 'left'
  /** Another tab of this device has it now. */
  | 'taken-over'
  /** This device has no right to it, or none any more. */
  | 'forbidden'
  /** The service has no such session. */
  | 'unknown-session'
  /** The time of the session is over; the receipt tells what was lost. */
  | 'session-gone'
  /** The app must be loaded anew: the service is newer than this page, or went back to an older release. */
  | 'page-too-old'
  | 'page-too-new'
  /** Page and service do not understand each other: a fault in one of them. */
  | 'protocol-error';

const reasons: Readonly<Record<number, StopReason>> = {
  [closeCodes.left]: 'left',
  [closeCodes.forbidden]: 'forbidden',
  [closeCodes.unknownSession]: 'unknown-session',
  [closeCodes.gone]: 'session-gone',
  [closeCodes.replaced]: 'taken-over',
  [closeCodes.unsupportedVersion]: 'page-too-old',
  [closeCodes.clientTooOld]: 'page-too-old',
  [closeCodes.clientTooNew]: 'page-too-new',
};

/** By the code the connection was closed with. */
export function stopReasonOf(closeCode: number): StopReason {
  return reasons[closeCode] ?? 'protocol-error';
}
