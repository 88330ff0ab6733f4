/**
 * One PGlite for many clients. A client has the backend to itself from its first message to the end of its statement or
 * transaction: that is what makes transactions, row locks and advisory locks true here. The others wait in line.
 */
import type { PGlite } from '@electric-sql/pglite';

import { isSame, settingsQuery, settingsSql, type Settings } from './settings.ts';
import {
  decodeErrorText,
  decodeMessages,
  decodeRows,
  encodeCloseStatement,
  encodeQuery,
  syncMessage,
} from './wire-bytes.ts';
import { WireError } from './wire-error.ts';

const invalidParameter = '22023';

/** What the backend must know of a client to work for it. */
export interface BackendClient {
  /** Settings as `set` gives them to a session, beyond the server's own. */
  settings: Settings;
}

/** The backend while it works for one client. */
export interface Turn {
  /** Runs whole messages; output goes out in pieces as it comes. */
  run(messages: Buffer, onOutput: (bytes: Buffer) => void): Promise<void>;
  /** Runs SQL of the house itself and gives its rows. Throws WireError. */
  query(sql: string): Promise<readonly (readonly string[])[]>;
  /** Whether a transaction is open, failed ones included. */
  isInTransaction(): boolean;
  /** Ends what is open without committing it. */
  rollBack(): Promise<void>;
  /** Takes over what the client did to its settings. */
  keepSettings(): Promise<void>;
  /** Lets the next client in. The turn is over. */
  end(): void;
}

export interface Backend {
  /** Waits in line, then gives the backend with the client's settings. Throws WireError when these are not accepted. */
  take(client: BackendClient): Promise<Turn>;
}

/** Wraps an open PGlite nobody else uses. */
export function createBackend(database: PGlite): Backend {
  const line: (() => void)[] = [];
  let isTaken = false;
  let lastClient: BackendClient | undefined;
  let active: Settings = [];

  const run = async (messages: Buffer, onOutput: (bytes: Buffer) => void): Promise<void> => {
    // The pieces are views of the backend's memory, which it reuses.
    const onRawData = (bytes: Uint8Array) => onOutput(Buffer.from(bytes));
    await database.execProtocolRawStream(messages, { onRawData });
  };
  const collect = async (messages: Buffer): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    await run(messages, (bytes) => pieces.push(bytes));
    return Buffer.concat(pieces);
  };
  const query = async (sql: string): Promise<readonly (readonly string[])[]> => {
    const output = await collect(encodeQuery(sql));
    for (const { type, body } of decodeMessages(output)) {
      if (type === 'E') throw new WireError(invalidParameter, decodeErrorText(body));
    }
    return decodeRows(output);
  };
  const switchTo = async (client: BackendClient): Promise<void> => {
    if (lastClient === client) return;
    lastClient = client;
    // Another client's unnamed statement must be unknown rather than mistaken for one's own.
    await collect(Buffer.concat([encodeCloseStatement(''), syncMessage]));
    if (isSame(active, client.settings)) return;
    await query('reset all');
    active = [];
    await query(settingsSql(client.settings));
    active = client.settings;
  };
  const end = () => {
    const next = line.shift();
    isTaken = next !== undefined;
    next?.();
  };
  const turnOf = (client: BackendClient): Turn => ({
    run,
    query,
    isInTransaction: () => database.isInTransaction(),
    rollBack: async () => {
      // After an error the backend skips everything up to a Sync, so the first ROLLBACK may not count.
      const rollback = encodeQuery('rollback');
      await collect(Buffer.concat([rollback, syncMessage, rollback]));
    },
    keepSettings: async () => {
      const rows = await query(settingsQuery);
      active = rows.map(([name = '', value = '']) => [name, value]);
      client.settings = active;
    },
    end,
  });
  return {
    take: async (client) => {
      if (isTaken) await new Promise<void>((resolve) => line.push(resolve));
      isTaken = true;
      try {
        await switchTo(client);
      } catch (error) {
        end();
        throw error;
      }
      return turnOf(client);
    },
  };
}
