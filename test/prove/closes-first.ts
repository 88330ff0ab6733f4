/** A client's WebSocket without make-before-break: asked to move it ends, and the client comes back as after a broken network. */
import { WebSocket } from 'ws';

import { decodeServerFrame } from '../../shared/protocol/codec.ts';

export class ClosesFirst extends WebSocket {
  override emit(name: string | symbol, ...values: unknown[]): boolean {
    const frame = name === 'message' ? decodeServerFrame(String(values[0])) : undefined;
    if (frame?.type !== 'goaway') return super.emit(name, ...values);
    setTimeout(() => this.terminate(), frame.slot_ms);
    return true;
  }
}
