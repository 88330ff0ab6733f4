/** What a client is told of a session whose time is over. */
import type { ServerFrame } from '../../shared/protocol/frames.ts';
import type { Gone } from '../store/journal.ts';
import type { Reader } from './reader.ts';

/** `accepted` is that of the client's own incarnation: what stands above it came too late. [L4] */
export function goneFrame(
  { reason, endedMs, writers }: Gone,
  { clientId, hello }: Pick<Reader, 'clientId' | 'hello'>,
): Extract<ServerFrame, { type: 'gone' }> {
  const own = writers.find(
    (writer) => writer.client_id === clientId && writer.incarnation === hello.incarnation,
  );
  return {
    type: 'gone',
    reason,
    ended_ms: Math.max(0, Math.round(endedMs)),
    accepted: own?.accepted ?? 0,
  };
}
