/** The ride as a file, in the formats other programs read. */
import { button, element, setText } from './dom.ts';
import { fitFile } from './export/fit-file.ts';
import type { RideRecord } from './export/ride-record.ts';
import { csvFile, tcxFile } from './export/text-files.ts';
import { isoDay } from './format.ts';

const inParts =
  'Another device rode a part of this ride; the file holds what was ridden on this one.';
const notMade = 'The file could not be made.';

/** `serial`: not 0, and the same for the same ride. */
export function downloadRow(ride: RideRecord, serial: number): HTMLElement {
  const note = element('p', { class: 'dim', role: 'status' });
  const formats = {
    fit: () => fitOf(ride, serial),
    tcx: () => tcxFile(ride),
    csv: () => csvFile(ride),
  } as const;
  const download = (format: keyof typeof formats): void => {
    try {
      setText(note, ride.isWhole ? '' : inParts);
      saveFile(formats[format](), fileName(ride, format));
    } catch {
      setText(note, notMade);
    }
  };
  const buttons = (['fit', 'tcx', 'csv'] as const).map((format) =>
    button({ 'aria-label': `Download as .${format}` }, [`.${format}`], () => download(format)),
  );
  return element('section', { class: 'downloads', 'aria-label': 'Downloads' }, [
    element('p', { class: 'dim' }, ['Download']),
    ...buttons,
    note,
  ]);
}

/** The same ride gives the same bytes on a device. */
export function fitOf(ride: RideRecord, serial: number): Uint8Array<ArrayBuffer> {
  const offsetMinutes = -new Date(ride.startedAtMs).getTimezoneOffset();
  return fitFile(ride, { serial, offsetMinutes });
}

/** `2026-11-21-lunch-break.fit`: the day on the rider's own wall. */
function fileName({ startedAtMs, plan }: RideRecord, format: string): string {
  const name = plan.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return `${[isoDay(startedAtMs), name]
    .filter((part) => part !== '')
    .join('-')
    .slice(0, 80)}.${format}`;
}

/** Hands a file to the browser, to be saved where the rider has files saved. */
export function saveFile(content: Uint8Array<ArrayBuffer> | string, name: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }));
  const link = element('a', { href: url, download: name });
  link.click();
  // The browser has taken the content by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
