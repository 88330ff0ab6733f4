/** What happened to the sessions of this instance, as plain numbers that only grow: whoever wants to know reads them. */
export interface SessionCounts {
  opened: number;
  /** Opened under a new epoch: a store had lost something, or was away. */
  rebuilt: number;
  /** Entries that were put into the log, and into Postgres. */
  entriesAccepted: number;
  entriesCheckpointed: number;
  checkpoints: number;
  /** Let go because another owner has it, or what was written had to be proven anew: what was on its way was refused by a store. */
  fenced: number;
}

export const zeroSessionCounts = (): SessionCounts => ({
  opened: 0,
  rebuilt: 0,
  entriesAccepted: 0,
  entriesCheckpointed: 0,
  checkpoints: 0,
  fenced: 0,
});
