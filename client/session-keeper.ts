/** Brings what this device knows of a session into its storage, the token first of all. */
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { SessionStorage, StoredSession } from './session-storage.ts';

export interface SessionKeeperParts {
  readonly storage: SessionStorage;
  readonly warn: (problem: unknown) => void;
}

type Identity = Pick<StoredSession, 'sessionId' | 'clientId' | 'url' | 'input' | 'origin'>;

export class SessionKeeper {
  readonly #identity: Identity;
  readonly #parts: SessionKeeperParts;
  /** The newest token the storage has. */
  #keptToken: string;
  /** The newest token there is. */
  #newestToken: string;
  /** The incarnation, and when the storage has come to know it. */
  #life: { readonly incarnation: string; readonly known: Promise<void> };

  constructor(
    session: Identity & Pick<StoredSession, 'token' | 'incarnation'>,
    parts: SessionKeeperParts,
  ) {
    const { sessionId, clientId, url, input, origin, token, incarnation } = session;
    this.#life = { incarnation, known: Promise.resolve() };
    this.#identity = { sessionId, clientId, url, input, origin };
    this.#parts = parts;
    this.#keptToken = this.#newestToken = token;
  }

  /** The one to prove: should the page go now, the next one has it. [A6] */
  get token(): string {
    return this.#keptToken;
  }

  /** Resolves when the storage knows the incarnation, or cannot be told: before that, a page loaded anew would take another one. */
  get lifeKnown(): Promise<void> {
    return this.#life.known;
  }

  renew(token: string): void {
    this.#newestToken = token;
  }

  keep(outbox: Outbox, replica: Replica): void {
    const { incarnation, accepted, checkpointed, forgottenCount } = outbox;
    const { epoch, confirmed: snapshot, witness } = replica;
    const { storage, warn } = this.#parts;
    const [identity, token] = [this.#identity, this.#newestToken];
    const place = { incarnation, accepted, checkpointed, forgottenCount };
    const done = storage
      .save({ ...identity, token, ...place, epoch, snapshot, witness })
      .then(() => {
        this.#keptToken = token;
      }, warn);
    if (incarnation !== this.#life.incarnation) this.#life = { incarnation, known: done };
  }
}
