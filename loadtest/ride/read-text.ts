/** Files a person named on the command line. */
import { readFile } from 'node:fs/promises';

import { CannotRide, exitCodes } from './cannot-ride.ts';

/** The file's text. `name` is what the person called it. Throws CannotRide when it cannot be read. */
export async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const sentence =
      code === 'ENOENT' ? `There is no file ${name}.` : `${name} cannot be read (${code}).`;
    throw new CannotRide(exitCodes.noFile, sentence, error);
  }
}
