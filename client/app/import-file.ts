/** A workout file of the rider's own: chosen or dropped, read here, and what came of it in one sentence. */
import { fileCharsMax, tooLarge, type ImportResult } from '../../shared/workout/imported-plan.ts';
import { planFileNames, readPlanFile } from '../../shared/workout/plan-file.ts';
import { element } from './dom.ts';

/** A label around its file input: a tap and the keyboard come here; a file may be dropped anywhere. */
export function importCard(take: (file: File | undefined) => void): HTMLElement {
  const input = element('input', { type: 'file', accept: planFileNames, class: 'visually-hidden' });
  input.addEventListener('change', () => {
    take(input.files?.[0]);
    // The same file may be chosen again after it was mended.
    input.value = '';
  });
  return element('label', { class: 'card import' }, [
    input,
    element('span', { class: 'card-name' }, ['Your own workout']),
    element('span', { class: 'card-text' }, [
      'Drop a .zwo, .mrc or .erg file here, or choose one.',
    ]),
  ]);
}

export function acceptDrops(place: HTMLElement, take: (file: File | undefined) => void): void {
  place.addEventListener('dragover', (event) => {
    event.preventDefault();
    place.classList.add('over');
  });
  place.addEventListener('dragleave', () => place.classList.remove('over'));
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    place.classList.remove('over');
    take(event.dataTransfer?.files[0]);
  });
}

/** Never rejects. */
export async function readFile(file: File, ftpW: number): Promise<ImportResult> {
  // Bytes are no fewer than characters: what is too large is not even read.
  if (file.size > fileCharsMax * 3) return { ok: false, problem: tooLarge };
  try {
    return readPlanFile(await file.text(), ftpW);
  } catch {
    return { ok: false, problem: 'The file cannot be read.' };
  }
}

/** '' when there is nothing to say. */
export function importSentence(result: ImportResult): string {
  if (!result.ok) return result.problem;
  const [first, ...others] = result.warnings;
  if (first === undefined) return '';
  const count = others.length;
  const more = count === 0 ? '' : ` (and ${count} more ${count === 1 ? 'remark' : 'remarks'})`;
  return `Imported, with a remark: ${first.replace(/\.$/, '')}${more}.`;
}
