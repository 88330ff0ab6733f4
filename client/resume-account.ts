/** Keeps account of what a break came to, also of what comes back only after the session is served again. */
import type { ServerFrame, Welcome } from '../shared/protocol/frames.ts';
import type { ResumeReceipt } from './status.ts';

type Gone = Pick<Extract<ServerFrame, { type: 'gone' }>, 'reason' | 'accepted'>;

export class ResumeAccount {
  #receipt: ResumeReceipt | undefined;
  #resuming: Omit<ResumeReceipt, 'gapMs' | 'lost'> = { replayed: 0, resent: 0, result: 'new' };
  /** Commands that neither side has any more. */
  #forgottenCount = 0;
  /** Own commands the session refused because it had ended, as far as is known, and those given in the knowledge that it would. */
  #lateCount: number;
  #foreseenCount: number;
  /** Of those refused against all hope: how many earlier breaks have told of. */
  #toldCount = 0;

  /** `lateCount` at the beginning: what is known of this device's commands by then has been told. */
  constructor(lateCount: number) {
    this.#lateCount = this.#foreseenCount = lateCount;
  }

  get receipt(): ResumeReceipt | undefined {
    return this.#receipt;
  }

  /** Commands of this device that came too late, of all its time here. */
  get lostCount(): number {
    return Math.max(0, this.#lateCount - this.#foreseenCount);
  }

  /** A command was given although the session had ended: its refusal is no loss. */
  foresaw(lateCount: number): void {
    this.#foreseenCount += lateCount;
  }

  /** Another incarnation, of which the session knows nothing: what is given under its name is hoped to be taken. */
  startedAnew(forgottenCount: number): void {
    this.#lateCount = this.#foreseenCount = this.#toldCount = 0;
    this.#forgottenCount += forgottenCount;
  }

  welcomed(result: Welcome['result'], resent: number): void {
    this.#toldCount = this.lostCount;
    this.#resuming = { replayed: 0, resent, result };
  }

  replayed(count: number): void {
    this.#resuming = { ...this.#resuming, replayed: this.#resuming.replayed + count };
  }

  /** The session says how many of this incarnation's commands came too late. [L5] */
  heard(lateCount: number): void {
    if (lateCount === this.#lateCount) return;
    this.#lateCount = lateCount;
    if (this.#receipt !== undefined) this.#receipt = { ...this.#receipt, lost: this.#lostNow() };
  }

  served(gapMs: number): void {
    this.#receipt = { gapMs, ...this.#resuming, lost: this.#lostNow() };
    this.#forgottenCount = 0;
  }

  /** The time of the session is over, or its owner deleted it: then nothing is lost that was wanted. */
  gone({ reason, accepted }: Gone, lastSeq: number): void {
    const isDeleted = reason === 'deleted';
    const lost = isDeleted ? 0 : Math.max(0, lastSeq - accepted);
    const result = isDeleted ? 'deleted' : 'gone';
    this.#receipt = { gapMs: 0, replayed: 0, resent: 0, lost, result };
  }

  #lostNow(): number {
    return this.#forgottenCount + Math.max(0, this.lostCount - this.#toldCount);
  }
}
