/** What the run and the process of a device say to each other, one JSON text a line. */
import type { Status } from '../../client/status.ts';
import type { StopReason } from '../../client/stop-reason.ts';
import type { WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import type { Issued } from './command-source.ts';
import type { Answer } from './get-json.ts';

/** How a page is loaded again: after a goodbye, after a crash, or beside the one that is open. */
export type Reload = 'polite' | 'crash' | 'twin';

/** What a browser tells a page of its device. */
export type Signal = 'online' | 'offline' | 'pageshow';

/** The first order of a process. */
export interface BeginOrder {
  readonly order: 'begin';
  /** Where the device keeps its session; what an earlier process left there is gone on with. */
  readonly folder: string;
  /** Where the service is, or a session of it. */
  readonly origin: { readonly url: string } | { readonly resumeUrl: string };
  readonly input: WorkoutInput;
  /** Of the client's jitter. */
  readonly seed: number;
}

export type Order =
  | BeginOrder
  | { readonly order: 'enter'; readonly commands: readonly Issued[] }
  | { readonly order: 'reload'; readonly how: Reload }
  | { readonly order: 'signal'; readonly signal: Signal }
  | { readonly order: 'account'; readonly number: number };

/** What the device has, and what the service answers it. */
export interface Account {
  /** What its page shows, as JSON has it; undefined while it has no page that is connected. */
  readonly state: unknown;
  /** To a plain GET with the token it has. */
  readonly answer: Answer;
}

/** What its page shows of the connection. */
export interface Shown {
  readonly status: Status;
  readonly unaccepted: number;
  readonly unsaved: number;
  readonly stopReason?: StopReason | undefined;
  /** Ordinal of the last command that was entered, or found in the storage. */
  readonly enteredThrough: number;
}

/** A socket is a number that no other one of the same process has. */
export type Report =
  /** The storage is open and holds the commands of those times. */
  | { readonly report: 'found'; readonly timesMs: readonly number[] }
  | { readonly report: 'page'; readonly sessionId: string; readonly clientId: string }
  /** Commands of those times are in the storage now. Comes before any of them is sent. */
  | { readonly report: 'kept'; readonly timesMs: readonly number[] }
  | ({ readonly report: 'shown' } & Shown)
  /** The page is left, and nobody sees another one before the next `shown`. */
  | { readonly report: 'gone' }
  | ({ readonly report: 'account'; readonly number: number } & Account)
  | { readonly report: 'warned'; readonly problem: string }
  | { readonly report: 'opened'; readonly socket: number }
  | { readonly report: 'sent'; readonly socket: number; readonly text: string }
  | {
      readonly report: 'heard';
      readonly socket: number;
      readonly text: string;
      readonly atMs: number;
    }
  | {
      readonly report: 'closed';
      readonly socket: number;
      readonly code: number;
      readonly reason: string;
    };

/** File descriptor a device's process writes its reports to. */
export const reportsFd = 3;
