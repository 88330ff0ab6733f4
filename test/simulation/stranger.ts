import { signatures } from '../../server/auth/signatures.ts';
/** Somebody who says hello with a token that is worth nothing: made up, of somebody else, or retired long ago. */
import { signingKeys } from '../../server/auth/signing-keys.ts';
import type { Hello } from '../../shared/protocol/frames.ts';
import { tally } from '../support/tally.ts';
import type { Random } from './random.ts';
import { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

const forged = signatures(signingKeys(['a secret that is not the one of the simulator'])).tokens;

/** How long a stranger waits for an answer. */
const patienceMs = 10_000;

const tricks = ['forged', 'of another session', 'of another client', 'retired'] as const;

/** A session nobody has a token of must not even be opened for one; of others the stranger must hear nothing. [A2] [A3] */
export function strangerComes(world: World, random: Random): void {
  const { clock, signed, lonelyId, sessionIds } = world;
  const device = random.pick(world.devices);
  const destination = random.pick(world.readyInstances());
  if (device === undefined || destination === undefined) return;
  const { clientId, disk } = device;
  const trick = random.pick(tricks) ?? 'forged';
  const isLonely = trick !== 'retired' && random.chance(0.5);
  const sessionId = isLonely ? lonelyId : disk.session.sessionId;
  const otherId = isLonely ? (sessionIds[0] ?? '') : lonelyId;
  const newest = generationOf(disk.session.token);
  // The newest one may not have been used yet; the one before it was, and retired all before.
  if (trick === 'retired' && newest < 3) return;
  const token = {
    forged: () => forged.issue(sessionId, clientId, newest),
    'of another session': () => signed.tokens.issue(otherId, clientId, newest),
    'of another client': () => signed.tokens.issue(sessionId, world.newId('x'), newest),
    retired: () => signed.tokens.issue(sessionId, clientId, random.integer(1, newest - 2)),
  }[trick]();
  const hello: Hello = {
    type: 'hello',
    token,
    incarnation: world.newId('x'),
    kind: tally.kind,
    version: destination.version,
  };
  const page = new SimProcess('stranger', clock);
  world.trace.note('stranger', `comes to ${destination.process.name}, token ${trick}`, sessionId);
  const line = world.lineOf(page, { sessionId, clientId }, random);
  line.listen('open', () => line.clientSends(JSON.stringify(hello)));
  line.dial(destination);
  clock.after(patienceMs, () => {
    page.kill();
    line.pageDied();
  });
}

const generationOf = (token: string): number => Number(token.split('.')[1]);
