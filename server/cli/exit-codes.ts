/** How a command ended, for scripts. From 64 on as in sysexits.h. */
export const exitCodes = {
  done: 0,
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** Something newer is stored, and this release can take it back. */
  needsDowncast: 3,
  /** What was asked for cannot be, and was not begun; or some sessions cannot be taken back. */
  refused: 4,
  /** A store did not answer: run it again. */
  unavailable: 69,
  /** Not all of it was done: run it again. */
  incomplete: 75,
  /** The configuration is wrong. */
  config: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
