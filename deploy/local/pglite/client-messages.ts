/** Bytes of a client of Postgres' wire protocol 3 → its messages. Source: "Message Formats" of the Postgres manual. */
import { WireError } from './wire-error.ts';

/** Requests that come instead of a start-up message; no protocol version uses these numbers. */
const sslRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;
const protocolMajor = 3;
const protocolViolation = '08P01';

/** Larger than any row this house writes; a length beyond it is a client that speaks something else. */
const messageBytesMax = 64 * 1024 * 1024;
const startupBytesMax = 10_000;

/** What a client sends. A `typed` message is known by one letter; its body comes without type and length. */
export type ClientMessage =
  | { readonly kind: 'encryption-request' }
  | { readonly kind: 'cancel-request' }
  | { readonly kind: 'startup'; readonly parameters: ReadonlyMap<string, string> }
  | { readonly kind: 'typed'; readonly type: string; readonly body: Buffer };

/** Messages as they become complete. Throws WireError. Reads no further than it is asked, so a waiting client is held back by TCP. */
export async function* readClientMessages(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<ClientMessage> {
  let parts: Buffer[] = [];
  let partsBytes = 0;
  let neededBytes = 4;
  let isStarted = false;
  for await (const chunk of chunks) {
    parts.push(chunk);
    partsBytes += chunk.length;
    // Joining only what completes a message keeps the cost of a large one linear.
    while (partsBytes >= neededBytes) {
      const joined = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      const messageBytes = lengthOf(joined, isStarted);
      if (messageBytes === undefined || joined.length < messageBytes) {
        parts = [joined];
        neededBytes = messageBytes ?? joined.length + 1;
        break;
      }
      const message = isStarted
        ? readTyped(joined, messageBytes)
        : readUntyped(joined.subarray(0, messageBytes));
      if (message.kind === 'startup') isStarted = true;
      const rest = joined.subarray(messageBytes);
      parts = [rest];
      partsBytes = rest.length;
      neededBytes = 1;
      yield message;
    }
  }
}

/** Of the first message, type byte included; undefined while its length has not arrived. */
function lengthOf(bytes: Buffer, isStarted: boolean): number | undefined {
  const lengthAt = isStarted ? 1 : 0;
  if (bytes.length < lengthAt + 4) return undefined;
  const length = bytes.readInt32BE(lengthAt);
  if (length < 4 || length > (isStarted ? messageBytesMax : startupBytesMax)) {
    throw new WireError(protocolViolation, `A message claims ${length} bytes`);
  }
  return lengthAt + length;
}

function readTyped(bytes: Buffer, messageBytes: number): ClientMessage {
  const type = String.fromCharCode(bytes[0] ?? 0);
  return { kind: 'typed', type, body: bytes.subarray(5, messageBytes) };
}

function readUntyped(bytes: Buffer): ClientMessage {
  if (bytes.length < 8)
    throw new WireError(protocolViolation, 'A start-up message without a version');
  const version = bytes.readInt32BE(4);
  if (version === sslRequest || version === gssRequest) return { kind: 'encryption-request' };
  if (version === cancelRequest) return { kind: 'cancel-request' };
  if (version >>> 16 !== protocolMajor) {
    throw new WireError(
      protocolViolation,
      `Protocol ${version >>> 16} is not served, only ${protocolMajor}`,
    );
  }
  const words = bytes.subarray(8).toString('utf8').split('\0');
  const parameters = new Map<string, string>();
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2) {
    parameters.set(words[at] ?? '', words[at + 1] ?? '');
  }
  return { kind: 'startup', parameters };
}
