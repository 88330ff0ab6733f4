/** Why a ride cannot begin or go on. */

/** Codes of sysexits.h, so that a script can tell a typing error from a broken service. */
export const exitCodes = { usage: 64, badContent: 65, noFile: 66, noService: 69 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One sentence for the person at the terminal, and the process's exit code. */
export class CannotRide extends Error {
  override readonly name = 'CannotRide';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.exitCode = exitCode;
  }
}
