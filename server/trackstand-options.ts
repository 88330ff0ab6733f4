import type { Limits } from '../shared/protocol/limits.ts';
/** What a service tells the plugin, and what holds where it does not. */
import type { AnyModel } from '../shared/session/session-model.ts';
import type { AdmissionSettings } from './admission/admission.ts';
import type { ConnectOwners } from './http/session-owners.ts';
import type { DrainSettings } from './lifecycle/drain.ts';
import type { MetricsAddress } from './operations/metrics-listener.ts';
import type { EndOfLifeSettings } from './session/caretaker.ts';

/** `publicUrl`: where clients reach this service. */
export interface TrackstandOptions extends AdmissionSettings {
  /** Session kinds this service keeps. */
  readonly sessions: readonly AnyModel[];
  /** URL of Postgres. */
  readonly postgres: string;
  /** URL of Redis. Without it Postgres is the log too: accepted then means saved. */
  readonly redis?: string | undefined;
  /** Signs tokens; the same on every instance, 32 characters or more. Of several the first signs, and all prove. */
  readonly secret: string | readonly string[];
  readonly release?: string | undefined;
  /** Host, and socket or port: what this instance is called beside others. */
  readonly place?: string | undefined;
  /** Path of rolling.sh's audit log, to be shown to operators. */
  readonly deployLog?: string | undefined;
  /** Where metrics are collected: an address that nobody outside reaches. */
  readonly metrics?: MetricsAddress | undefined;
  readonly checkpointMs?: number | undefined;
  readonly detachedGraceMs?: number | undefined;
  readonly drain?: DrainSettings | undefined;
  readonly endOfLife?: EndOfLifeSettings | undefined;
  readonly limits?: Limits | undefined;
  /** Unix socket this instance listens on: the proxy's routes are links beside it. */
  readonly socketPath?: string | undefined;
  /** Takes what to call when the connections routed elsewhere now are to be handed over. */
  readonly onHandOver?: ((start: () => void) => void) | undefined;
  /** Whose sessions are whose: accounts, for example. Without it sessions belong to who has their token. */
  readonly owners?: ConnectOwners | undefined;
}

export const drainDefaults: DrainSettings = { noticeMs: 0, movesPerS: 100, graceMs: 2_000 };

export const endOfLifeDefaults: EndOfLifeSettings = {
  archiveAfterMs: 600_000,
  abandonedAfterMs: 7 * 24 * 3_600_000,
  tombstoneMs: 365 * 24 * 3_600_000,
};
