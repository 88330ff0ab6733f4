/**
 * Prepared statements of many clients in one backend: each client's names become names nobody else has. The unnamed
 * statement needs no name, because it never outlives its client's turn.
 */
import { cString, encodeMessage } from './wire-bytes.ts';

/** Names one client gave its prepared statements. */
export interface StatementNames {
  /** The message with the backend's names in place of the client's. */
  translate(type: string, body: Buffer): Buffer;
  /** The backend's names of everything the client prepared and did not close. */
  all(): readonly string[];
}

/** `clientNumber` must never come twice in the life of a backend. */
export function createStatementNames(clientNumber: number): StatementNames {
  const names = new Map<string, string>();
  // Short names of our own: the backend cuts names at 63 bytes, so a prefix could make two long ones the same.
  let lastNumber = 0;
  const nameOf = (given: string): string => {
    if (given === '') return '';
    const known = names.get(given);
    if (known !== undefined) return known;
    lastNumber += 1;
    const name = `client_${clientNumber}_${lastNumber}`;
    names.set(given, name);
    return name;
  };
  return {
    translate: (type, body) => encodeMessage(type, translateBody(type, body, nameOf, names)),
    all: () => [...names.values()],
  };
}

function translateBody(
  type: string,
  body: Buffer,
  nameOf: (given: string) => string,
  names: Map<string, string>,
): Buffer {
  switch (type) {
    // Parse: statement, SQL, parameter types.
    case 'P':
      return withText(body, 0, nameOf);
    // Bind: portal, statement, values.
    case 'B':
      return withText(body, body.indexOf(0) + 1, nameOf);
    // Describe and Close: 'S' for a statement or 'P' for a portal, name.
    case 'D':
    case 'C': {
      if (body[0] !== 'S'.charCodeAt(0)) return body;
      const translated = withText(body, 1, nameOf);
      if (type === 'C') names.delete(readText(body, 1));
      return translated;
    }
    default:
      return body;
  }
}

function withText(body: Buffer, at: number, replace: (text: string) => string): Buffer {
  const text = readText(body, at);
  const after = at + Buffer.byteLength(text) + 1;
  return Buffer.concat([body.subarray(0, at), cString(replace(text)), body.subarray(after)]);
}

/** The text that begins at a place of a message's body and ends with a zero byte. */
export function readText(body: Buffer, at: number): string {
  const end = body.indexOf(0, at);
  return body.subarray(at, end === -1 ? body.length : end).toString('utf8');
}
