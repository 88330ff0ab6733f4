/** What a registry of tallies is given, where a test does not say otherwise. */
import type { RegistryParts } from '../../server/session/session-registry.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { tally } from './tally.ts';

export function tallyRegistryParts(
  own: Pick<RegistryParts, 'journals' | 'clock' | 'newId' | 'reportError'>,
): RegistryParts {
  return {
    models: new Map([['tally', tally]]),
    limits: defaultLimits,
    release: 'test',
    signPosition: () => 'p',
    issueToken: () => 'next',
    checkpointMs: 1_000,
    detachedGraceMs: 5_000,
    ...own,
  };
}
