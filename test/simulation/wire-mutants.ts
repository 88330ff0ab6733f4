/** Bugs planted into frames, tokens and storage; the other ones are in `mutants.ts`. */
import type { Welcome } from '../../shared/protocol/frames.ts';
import type { Mutant } from './tampering.ts';

/** A frame of one type, changed, or swallowed when undefined. */
export function rewriting<Frame extends { readonly type: string }>(
  type: Frame['type'],
  change: (frame: Frame) => Frame | undefined,
): (text: string) => string | undefined {
  return (text) => {
    const frame = JSON.parse(text) as Frame;
    if (frame.type !== type) return text;
    const next = change(frame);
    return next === undefined ? undefined : JSON.stringify(next);
  };
}

interface EntriesFrame {
  readonly type: 'entries';
  readonly accepted: number;
  readonly checkpointed: number;
  readonly entries: readonly unknown[];
}

/** Changes the entries that come before `live`. */
function replaying(change: (entries: readonly unknown[]) => readonly unknown[]) {
  return () => {
    let isLive = false;
    const changed = rewriting<EntriesFrame>('entries', (frame) => ({
      ...frame,
      entries: change(frame.entries),
    }));
    return (text: string): string | undefined => {
      isLive ||= text.startsWith('{"type":"live"');
      return isLive ? text : changed(text);
    };
  };
}

export const wireMutants: Readonly<Record<string, Mutant>> = {
  'a replay repeats an entry': {
    invariants: [3],
    tampering: { toClient: replaying((entries) => [...entries.slice(0, 1), ...entries]) },
  },
  'a part of a replay passes as all of it': {
    invariants: [3],
    tampering: { toClient: replaying((entries) => entries.slice(0, -1)) },
  },
  'checkpointed is told as soon as accepted is': {
    invariants: [2],
    tampering: {
      toClient: () =>
        rewriting<EntriesFrame>('entries', (frame) => ({ ...frame, checkpointed: frame.accepted })),
    },
  },
  'watermarks fall within an epoch': {
    invariants: [2],
    tampering: {
      toClient: () => {
        let count = 0;
        return rewriting<EntriesFrame>('entries', (frame) =>
          ++count % 3 === 0 ? { ...frame, accepted: 0, checkpointed: 0 } : frame,
        );
      },
    },
  },
  'a new epoch is not told': {
    invariants: [2, 6],
    tampering: {
      toClient: () => rewriting<Welcome>('welcome', (welcome) => ({ ...welcome, epoch: '0' })),
    },
  },
  'a client that comes back counts as a new one': {
    invariants: [1],
    tampering: {
      toServer: () => {
        let helloCount = 0;
        return rewriting<{ type: 'hello'; incarnation: string }>('hello', (hello) => ({
          ...hello,
          incarnation: ++helloCount > 1 ? `other${hello.incarnation.slice(5)}` : hello.incarnation,
        }));
      },
    },
  },
};
