/** What riders are told, and what they tell. */
import type { Latencies, Moment } from './latencies.ts';
import type { PeopleQuestion } from './people.ts';
import type { SubjectName } from './subjects.ts';
import type { Share } from './usage.ts';

export interface ConnectRiders {
  readonly kind: 'connect';
  readonly subject: SubjectName;
  readonly port: number;
  readonly count: number;
}

export interface Ride {
  readonly kind: 'ride';
  readonly seconds: number;
  /** How many of them come first whose latencies do not count. */
  readonly settleS?: number;
  /**
   * `inFlight`: each rider keeps so many events under way. `hz`: each rider's events come at their moments, whatever became of the
   * ones before, and a delay counts from the moment an event was due.
   */
  readonly load: { readonly inFlight: number } | { readonly hz: number };
}

/** All connections break in one moment, or some do, by somebody else's doing, within a second of being asked. */
export interface Break {
  readonly kind: 'break';
  readonly isOwn: boolean;
}

/** Milliseconds from the break until somebody was served again, for each who lost the connection. */
export interface Recovery {
  readonly backMs: readonly number[];
  /** Dials there were. */
  readonly dialCount: number;
  readonly missing: number;
}

/** What came of all that was given: asked of the service, session by session. */
export interface Account {
  readonly given: number;
  /** Given, and not in Postgres. */
  readonly undelivered: number;
  /** Taken fewer times, or more times, than it was given. */
  readonly lost: number;
  readonly doubled: number;
  /** Sessions whose state is not the fold of what was given, in its order. */
  readonly differing: number;
}

export type GeneratorQuestion =
  | ConnectRiders
  | Ride
  | Break
  | PeopleQuestion
  | { readonly kind: 'account' }
  | { readonly kind: 'usage' };

export interface RideResult {
  /** Events that were answered: in an open loop all, else within the time. */
  readonly events: number;
  /** From the moment an event was due to its answer. */
  readonly latencies: Latencies;
  readonly overTime: readonly Moment[];
  /** From the moment an event was due until it was sent: what the generator itself is late. */
  readonly lateness: Latencies;
  /** From the moment an event was sent until it was in Postgres, of some. */
  readonly saving: Latencies;
  /** Due and never answered, at the end. */
  readonly missing: number;
  /** Answered and not in Postgres, at the end. */
  readonly unsaved: number;
  /** What the generator took of a core. */
  readonly own: Share;
}

export interface Fleet {
  connect(more: ConnectRiders): Promise<void>;
  ride(ride: Ride): Promise<RideResult>;
  recover(broken: Break): Promise<Recovery>;
  /** Of the real client only. */
  account?(): Promise<Account>;
}
