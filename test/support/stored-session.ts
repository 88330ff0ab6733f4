/** A session as a device keeps it: of the tally, with one command accepted and none saved. */
import type { WireCommand } from '../../shared/protocol/frames.ts';

export const storedSession = {
  sessionId: 'session',
  clientId: 'client',
  url: 'http://ride.example',
  token: 't',
  incarnation: 'first',
  accepted: 1,
  checkpointed: 0,
  snapshot: { kind: 'tally', version: 1, offset: 0, writers: [], state: { total: 3 } },
};

export const addCommand = (amount: number): WireCommand => ['add', { amount }, 1];
