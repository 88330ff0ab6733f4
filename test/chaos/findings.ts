/** What the run looks for: each is a promise that was broken. */

export type FindingKind =
  | 'lost'
  | 'doubled'
  | 'reordered'
  /** An outcome, a payload or a state that is not what the commands come to. */
  | 'altered'
  /** A command that was sent before the device's storage had it: a kill would have lost it. */
  | 'sent-before-kept'
  /** A command in the log that the device's storage did not have after a kill. */
  | 'void-delivered'
  /** Rows of a session in Postgres that do not continue each other. */
  | 'broken-chain'
  /** Told as checkpointed before Postgres had it. */
  | 'told-too-early'
  /** A watermark that fell where it must not. */
  | 'fell-back'
  /** Two contents at one position. */
  | 'forked'
  /** A client that stopped, or did not come back. */
  | 'not-healed';

export interface Finding {
  readonly kind: FindingKind;
  /** The session it concerns; undefined when it is none in particular. */
  readonly sessionId?: string | undefined;
  readonly sentence: string;
}

/** A finding that somebody else knows the session of. */
export type Sentence = Pick<Finding, 'kind' | 'sentence'>;
