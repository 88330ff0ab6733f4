/** What happened last, to be read by people once something went wrong. */

export interface Trace {
  /** Notes an event. Its words are put together only when somebody reads them. */
  note(who: string, what: string, ...details: readonly unknown[]): void;
  lines(): string[];
}

interface Note {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  readonly details: readonly unknown[];
}

/** Characters of one detail that are shown: a snapshot is not worth reading whole. */
const detailLengthMax = 160;

export function trace(nowMs: () => number, notesMax: number): Trace {
  let notes: Note[] = [];
  const startMs = nowMs();
  return {
    note: (who, what, ...details) => {
      if (notesMax === 0) return;
      notes.push({ atMs: nowMs(), who, what, details });
      if (notes.length > 2 * notesMax) notes = notes.slice(-notesMax);
    },
    lines: () =>
      notes.slice(-notesMax).map(({ atMs, who, what, details }) => {
        const time = ((atMs - startMs) / 1_000).toFixed(3).padStart(9);
        return `${time} ${who.padEnd(12)} ${what} ${details.map(shown).join(' ')}`.trimEnd();
      }),
  };
}

function shown(detail: unknown): string {
  if (typeof detail === 'function') return shown((detail as () => unknown)());
  const text = typeof detail === 'string' ? detail : (JSON.stringify(detail) ?? 'undefined');
  return text.length > detailLengthMax ? `${text.slice(0, detailLengthMax)}…` : text;
}
