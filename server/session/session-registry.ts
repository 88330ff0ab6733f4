/** The sessions of this instance: at most one host each, opened once however many ask, forgotten when it lets go. */
import { closeCodes, type CloseCode } from '../../shared/protocol/close-codes.ts';
import type { Parsed } from '../../shared/session/session-model.ts';
import type { Gone } from '../store/journal.ts';
import { unlessAway } from './claim-session.ts';
import type { HostParts } from './host-parts.ts';
import { openSession, readSession, type OpeningParts, type ReadSession } from './open-session.ts';
import { isAhead, type Reader, type RecalledHashes, type Sighting } from './reader.ts';
import { reviveSession } from './revive-session.ts';
import { SessionHost } from './session-host.ts';

export type Found =
  | { readonly kind: 'host'; readonly host: SessionHost }
  | { readonly kind: 'unknown' }
  | Gone
  | { readonly kind: 'too-new' };

/** Milliseconds without a write after which a session with listeners asks whether it is still this instance's. */
const confirmMs = 20_000;

/** How often sessions are looked through for a due checkpoint or an end of grace. */
const sweepMs = 250;

/**
 * Sessions saved in one turn, and milliseconds to the next: those that began together are due together, and five hundred in one turn
 * keep every command waiting for as long as they take. Together they still share the transactions of Postgres.
 */
const savesPerTurn = 50;
const saveTurnMs = 5;

export interface RegistryParts extends OpeningParts, Omit<HostParts, 'released'> {
  /** Longest time an accepted entry waits for its checkpoint to begin. */
  readonly checkpointMs: number;
  /** How long a session without connections keeps its host: a reconnect finds it warm. */
  readonly detachedGraceMs: number;
}

/** Whether the client has seen more of this epoch: the session went on elsewhere since, or data went missing. Opening it anew tells. [R4] */
function isPassed({ view }: SessionHost, sighting: Sighting | undefined): boolean {
  return isAhead(sighting, view.epoch, view.snapshot);
}

export class SessionRegistry {
  readonly #parts: RegistryParts;
  readonly #hosts = new Map<string, SessionHost>();
  readonly #openings = new Map<string, Promise<Found>>();
  #cancelSweep: () => void = () => {};
  #recalling: Promise<unknown> = Promise.resolve();
  /** Checkpoints under way of sessions that were let go. */
  readonly #saves = new Set<Promise<void>>();
  /** Set once this instance lets every session go. */
  #leaving: { readonly code: CloseCode; readonly reason: string } | undefined;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  get hosts(): ReadonlyMap<string, SessionHost> {
    return this.#hosts;
  }

  /**
   * The session's host, opened if need be; anew where the client has seen more than the host has. Rejects with StoreUnavailableError or
   * FencedError; asking again is safe.
   */
  async find(sessionId: string, sighting: Sighting | undefined): Promise<Found> {
    const host = this.#hosts.get(sessionId);
    // Who leaves does not take back what went on elsewhere: it closes everybody in a moment.
    const isFound =
      host !== undefined && (this.#leaving !== undefined || !isPassed(host, sighting));
    if (isFound) return { kind: 'host', host };
    // Who was moved away and back again must not learn that by a close and a pause.
    if (sighting !== undefined) host?.giveWay(sighting.clientId);
    const opening = this.#openings.get(sessionId) ?? this.#open(sessionId, sighting);
    this.#openings.set(sessionId, opening);
    const found = await opening;
    // It was opened for somebody who had seen less.
    const isShort = found.kind === 'host' && isPassed(found.host, sighting);
    return isShort ? this.find(sessionId, sighting) : found;
  }

  /**
   * What is to be known before a client attaches: that this is an owner, where it saw a later one, and older hashes, where it asks for
   * them; one reading of a history at a time, because a long one takes the event loop. Rejects with StoreUnavailableError or FencedError.
   */
  async prepare(host: SessionHost, reader: Reader): Promise<RecalledHashes | undefined> {
    await host.admit(reader);
    if (reader.hello.hashes_from === undefined) return undefined;
    const recalled = this.#recalling.then(() => host.recall(reader));
    this.#recalling = recalled.catch(() => {});
    return recalled;
  }

  /** Begins a session again that no store knows, as its client remembers it. [R12] */
  revive(
    sessionId: string,
    origin: { readonly kind: string; readonly input: unknown },
  ): Promise<Parsed<'created' | 'above-ceiling'>> {
    return reviveSession(this.#parts, sessionId, origin);
  }

  /** The session as it is, claiming nothing: its owner may be another instance, and goes on. */
  async read(
    sessionId: string,
  ): Promise<ReadSession | Gone | { readonly kind: 'unknown' | 'too-new' }> {
    const view = this.#hosts.get(sessionId)?.view;
    if (view === undefined) return readSession(this.#parts, sessionId);
    const { epoch, snapshot, isEnded } = view;
    // When it ended only Postgres knows; while that is away, or does not know yet, the state tells that it did.
    const stored = isEnded && (await unlessAway(this.#parts.journals.checkpoints.peek(sessionId)));
    const ended = typeof stored === 'object' && stored.kind === 'taken' ? stored.ended : undefined;
    return { kind: 'read', epoch, snapshot, ended };
  }

  /** Starts looking after checkpoints and sessions nobody is attached to. */
  start(): void {
    this.#cancelSweep = this.#parts.clock.after(sweepMs, () => this.#save(this.#sweep()));
  }

  stop(): void {
    this.#cancelSweep();
  }

  /** Lets every session go: takes nothing more, saves what was accepted, and closes who stayed. [D3] */
  async retireAll(code: CloseCode, reason: string): Promise<void> {
    this.#leaving = { code, reason };
    await Promise.all([...this.#hosts.values()].map((host) => host.retire(code, reason)));
    // The stores are closed next.
    await Promise.all(this.#saves);
  }

  async #open(sessionId: string, sighting: Sighting | undefined): Promise<Found> {
    try {
      const opening = await openSession(this.#parts, sessionId, sighting);
      if (opening.kind !== 'opened') return opening;
      const host: SessionHost = new SessionHost(opening.session, {
        released: (saving) => {
          if (this.#hosts.get(sessionId) === host) this.#hosts.delete(sessionId);
          if (saving === undefined) return;
          this.#saves.add(saving);
          void saving.then(() => this.#saves.delete(saving));
        },
        ...this.#parts,
      });
      this.#hosts.set(sessionId, host);
      const { counts } = this.#parts;
      if (counts !== undefined) counts.opened++;
      if (counts !== undefined && opening.session.isRebuilt) counts.rebuilt++;
      // Asked for before the others were retired, opened after: nobody would save what it still took.
      if (this.#leaving !== undefined) host.release(this.#leaving.code, this.#leaving.reason);
      return { kind: 'host', host };
    } finally {
      this.#openings.delete(sessionId);
    }
  }

  /** Saves some, then the others, and then waits for the next sweep. */
  #save(due: readonly SessionHost[]): void {
    for (const host of due.slice(0, savesPerTurn)) void host.checkpoint();
    const later = due.slice(savesPerTurn);
    if (later.length === 0) this.start();
    else this.#cancelSweep = this.#parts.clock.after(saveTurnMs, () => this.#save(later));
  }

  /** Returns the sessions whose checkpoint is due. */
  #sweep(): readonly SessionHost[] {
    const nowMs = this.#parts.clock.elapsedMs();
    const { checkpointMs, detachedGraceMs } = this.#parts;
    const due: SessionHost[] = [];
    for (const host of this.#hosts.values()) {
      const { unsavedSinceMs, detachedSinceMs } = host;
      if (host.readers.size > 0 && nowMs - host.confirmedMs >= confirmMs) host.confirm();
      if (unsavedSinceMs !== undefined && nowMs - unsavedSinceMs >= checkpointMs) due.push(host);
      else if (
        unsavedSinceMs === undefined &&
        detachedSinceMs !== undefined &&
        nowMs - detachedSinceMs >= detachedGraceMs
      )
        host.release(closeCodes.drained, 'nobody was attached');
    }
    return due;
  }
}
