/** A ride as another device's screen hears of it: asked for every second. */
import * as v from 'valibot';

import type { Clock } from '../../../shared/clock.ts';
import type { WorkoutState } from '../../../shared/workout/workout-state.ts';
import { workout } from '../../../shared/workout/workout.ts';
import { recordedSamples } from '../recorded-samples.ts';
import type { ToldRide } from '../watch-screen.ts';
import type { ReaderLink } from './reader-link.ts';

export type Heard =
  | { readonly kind: 'told'; readonly told: ToldRide }
  | { readonly kind: 'same' }
  | { readonly kind: 'unreachable' }
  /** The link is good no more, or the page cannot read this ride. */
  | { readonly kind: 'ended'; readonly sentence: string };

const answer = v.object({ kind: v.literal('workout'), version: v.number(), state: v.unknown() });

const takenBack = 'This link was taken back: the ride can be seen no more.';
const tooNew = 'This page is older than the ride. Load it again.';

/** Asks once; the next time only for what is new. */
export function watchedRide({ sessionId, readerId, token }: ReaderLink): () => Promise<Heard> {
  let tag: string | null = null;
  return async () => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(tag === null ? {} : { 'if-none-match': tag }),
    };
    try {
      const response = await fetch(`/v1/sessions/${sessionId}/readers/${readerId}`, { headers });
      if (response.status === 304) return { kind: 'same' };
      if ([401, 404, 410].includes(response.status)) return { kind: 'ended', sentence: takenBack };
      if (!response.ok) return { kind: 'unreachable' };
      const body = v.safeParse(answer, await response.json());
      if (!body.success || body.output.version > workout.version)
        return { kind: 'ended', sentence: tooNew };
      tag = response.headers.get('etag');
      const state = body.output.state as WorkoutState;
      return { kind: 'told', told: toldRide(state) };
    } catch {
      return { kind: 'unreachable' };
    }
  };
}

function toldRide(state: WorkoutState): ToldRide {
  return {
    view: {
      state,
      status: 'connected',
      unsaved: 0,
      unaccepted: 0,
      unkept: 0,
      receipt: undefined,
      isFinal: false,
      stopReason: undefined,
    },
    samples: recordedSamples(state),
  };
}

/**
 * The rider's clock as far as it is known here: two devices need not agree on the time of day. What came soonest after it happened says
 * most about how far the two are apart.
 */
export function riderClock(clock: Clock): {
  readonly nowMs: () => number;
  readonly heard: (lastMs: number) => void;
} {
  let behindMs = Infinity;
  return {
    nowMs: () => clock.nowMs() - (behindMs === Infinity ? 0 : behindMs),
    heard: (lastMs) => {
      behindMs = Math.min(behindMs, clock.nowMs() - lastMs);
    },
  };
}
