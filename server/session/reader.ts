/** One attached client, as the session sees it. */
import type { CloseCode } from '../../shared/protocol/close-codes.ts';
import type { Hello } from '../../shared/protocol/frames.ts';

/** The way back to one client. Sending and closing never throw; after closing, nothing more is sent. */
export interface Reader {
  readonly send: (text: string) => void;
  readonly close: (code: CloseCode, reason: string) => void;
  /** That many commands it sent are decided and stored, or were put aside. */
  readonly settled: (count: number) => void;
  readonly clientId: string;
  readonly hello: Hello;
  /** Generation of the token the client proved. */
  readonly generation: number;
}
