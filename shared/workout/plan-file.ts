/** Reads a workout file, whichever of the known formats it is in: the content decides, because names lie. */
import { isCourse, parseCourse } from './course.ts';
import { fileCharsMax, tooLarge, type ImportResult } from './imported-plan.ts';
import { parseZwo } from './zwo.ts';

/** What a file may be called. */
export const planFileNames = '.zwo,.xml,.mrc,.erg';

const unknownFormat = 'This is no workout file: .zwo, .mrc and .erg can be read.';

/** `ftpW` is the rider's. Never throws. */
export function readPlanFile(text: string, ftpW: number): ImportResult {
  if (text.length > fileCharsMax) return { ok: false, problem: tooLarge };
  if (isCourse(text)) return parseCourse(text, ftpW);
  // A byte order mark counts as a blank.
  return text.trimStart().startsWith('<') ? parseZwo(text) : { ok: false, problem: unknownFormat };
}
