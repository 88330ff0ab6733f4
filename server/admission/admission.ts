/** How much of this instance there is for everybody, and for one address. */
import type { Clock } from '../../shared/clock.ts';
import { addressKey } from './address-key.ts';
import {
  countConnections,
  type ConnectionBounds,
  type ConnectionCounts,
} from './connection-counts.ts';
import { createOrigins, type Origins, type OriginSettings } from './origins.ts';
import { createQuota } from './quota.ts';

export interface AdmissionBounds extends ConnectionBounds {
  /** Sessions an address may begin an hour without an account, and at once. */
  readonly sessionsPerHourMax: number;
}

export interface AdmissionSettings extends OriginSettings {
  readonly bounds?: Partial<AdmissionBounds> | undefined;
}

export interface Admission {
  readonly origins: Origins;
  readonly counts: ConnectionCounts;
  /** Counts a session that somebody at that address is about to begin; returns seconds to wait when it is one too many. [F5] */
  readonly takeBeginning: (request: {
    readonly ip: string | undefined;
  }) => Promise<number | undefined>;
}

const boundsDefaults: AdmissionBounds = {
  connectionsMax: 10_000,
  connectionsPerAddressMax: 200,
  sessionsPerHourMax: 120,
};

export function createAdmission(settings: AdmissionSettings, clock: Clock): Admission {
  const bounds = { ...boundsDefaults, ...settings.bounds };
  const beginnings = createQuota(clock, bounds.sessionsPerHourMax);
  return {
    origins: createOrigins(settings),
    counts: countConnections(bounds),
    takeBeginning: ({ ip }) => Promise.resolve(beginnings.take(addressKey(ip))),
  };
}
