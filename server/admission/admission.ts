/** How much of this instance there is for everybody, and for one address. */
import type { Rate, RateLimit } from '../store/rate-limit.ts';
import { addressKey } from './address-key.ts';
import {
  countConnections,
  type ConnectionBounds,
  type ConnectionCounts,
} from './connection-counts.ts';
import { createOrigins, type Origins, type OriginSettings } from './origins.ts';
import { countOwnerConnections, type OwnerConnections } from './owner-connections.ts';

export interface AdmissionBounds extends ConnectionBounds {
  /** Of all sessions of an owner. */
  readonly connectionsPerOwnerMax: number;
  /** Sessions an address may begin an hour without an account, and at once. */
  readonly sessionsPerHourMax: number;
}

export interface AdmissionSettings extends OriginSettings {
  readonly bounds?: Partial<AdmissionBounds> | undefined;
}

export interface Admission {
  readonly origins: Origins;
  readonly counts: ConnectionCounts;
  readonly countOwners: (
    ownerOf: (sessionId: string) => Promise<string | undefined>,
  ) => OwnerConnections;
  /** Counts a session that somebody at that address is about to begin; returns seconds to wait when it is one too many. [F5] */
  readonly takeBeginning: (request: {
    readonly ip: string | undefined;
  }) => Promise<number | undefined>;
}

const boundsDefaults: AdmissionBounds = {
  connectionsMax: 10_000,
  connectionsPerAddressMax: 200,
  connectionsPerOwnerMax: 50,
  sessionsPerHourMax: 120,
};

const hourMs = 3_600_000;

export function createAdmission(settings: AdmissionSettings, limit: RateLimit): Admission {
  const bounds = { ...boundsDefaults, ...settings.bounds };
  const perHour = bounds.sessionsPerHourMax;
  const beginnings: Rate = { name: 'session-address', burst: perHour, eachMs: hourMs / perHour };
  return {
    origins: createOrigins(settings),
    counts: countConnections(bounds),
    countOwners: (ownerOf) => countOwnerConnections(ownerOf, bounds.connectionsPerOwnerMax),
    takeBeginning: async ({ ip }) => {
      const waitMs = await limit.take(beginnings, addressKey(ip));
      return waitMs === 0 ? undefined : Math.ceil(waitMs / 1_000);
    },
  };
}
