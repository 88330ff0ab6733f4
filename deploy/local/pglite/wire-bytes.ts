/** Messages of Postgres' wire protocol 3 → bytes, both directions. Source: "Message Formats" of the Postgres manual. */

/** One typed message: letter, length, body. */
export function encodeMessage(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** A text as the protocol writes it, ended by a zero byte. */
export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** A simple query; several statements are separated by semicolons. */
export function encodeQuery(sql: string): Buffer {
  return encodeMessage('Q', cString(sql));
}

/** Forgets a prepared statement; a name that is not known is no error. */
export function encodeCloseStatement(name: string): Buffer {
  return encodeMessage('C', Buffer.concat([Buffer.from('S'), cString(name)]));
}

export const syncMessage = encodeMessage('S');

/** An error after which the connection ends. `code` is one of Postgres' SQLSTATEs. */
export function encodeFatal(code: string, message: string): Buffer {
  const fields = [`SFATAL`, `VFATAL`, `C${code}`, `M${message}`].map(cString);
  return encodeMessage('E', Buffer.concat([...fields, Buffer.of(0)]));
}

/** What a client waits for after its start-up message: accepted, the server's parameters, ready. */
export function encodeWelcome(parameters: Iterable<readonly [string, string]>): Buffer {
  const authenticated = encodeMessage('R', Buffer.alloc(4));
  const told = [...parameters].map(([name, value]) =>
    encodeMessage('S', Buffer.concat([cString(name), cString(value)])),
  );
  // Cancelling needs a second thread beside the one backend; the key exists because clients expect one.
  const backendKey = encodeMessage('K', Buffer.alloc(8));
  return Buffer.concat([authenticated, ...told, backendKey, encodeMessage('Z', Buffer.from('I'))]);
}

/** The messages in complete output of the backend. */
export function* decodeMessages(
  bytes: Buffer,
): Generator<{ readonly type: string; readonly body: Buffer }> {
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    yield { type: String.fromCharCode(bytes[at] ?? 0), body: bytes.subarray(at + 5, end) };
    at = end;
  }
}

/** The rows in complete output of the backend, as texts; null is an empty text. */
export function decodeRows(bytes: Buffer): readonly (readonly string[])[] {
  const rows = [...decodeMessages(bytes)].filter(({ type }) => type === 'D');
  return rows.map(({ body }) => decodeRow(body));
}

function decodeRow(body: Buffer): readonly string[] {
  const texts: string[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const length = Math.max(0, body.readInt32BE(at));
    texts.push(body.subarray(at + 4, at + 4 + length).toString('utf8'));
    at += 4 + length;
  }
  return texts;
}

/** The message text of an error. */
export function decodeErrorText(body: Buffer): string {
  const fields = body.toString('utf8').split('\0');
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'unknown error';
}
