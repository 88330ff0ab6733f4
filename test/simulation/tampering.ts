/** Where a mutant may reach in: bugs planted on purpose, to prove that the oracle would notice. */
import type { Journal } from '../../server/store/journal.ts';
import type { MemoryStore } from '../support/memory-journal.ts';
import type { Random } from './random.ts';
import type { StoreName } from './store-oracle.ts';

export interface Tampering {
  /** The store itself misbehaves; the oracle sees what it answers. */
  readonly store?: (store: MemoryStore, name: StoreName) => Journal;
  /** What stands between an instance and a store misbehaves; the oracle does not see it. */
  readonly journal?: (journal: Journal, name: StoreName, random: Random) => Journal;
  /** A frame to a client: changed, or swallowed when undefined. One function per connection. */
  readonly toClient?: () => (text: string) => string | undefined;
  /** A frame to a server, likewise; one function per device. */
  readonly toServer?: () => (text: string) => string | undefined;
  /** Storage that says too early that something is kept. */
  readonly isDiskLying?: boolean;
}

/** A text in one of the product's files that becomes another; it stands there exactly once. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Its number in DESIGN.md, or that everybody is served again. */
export type Invariant = number | 'liveness';

/** A bug, and the invariants of the design that it breaks: planted around the product, or into its source. */
export interface Mutant {
  readonly invariants: readonly Invariant[];
  readonly tampering?: Tampering;
  readonly edits?: readonly Edit[];
  /** Where the hunt for one begins that shows in few seeds of many thousand; 1 by default. */
  readonly firstSeed?: number;
}
