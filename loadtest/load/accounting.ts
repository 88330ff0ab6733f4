/** Asks the service what it has of every session, and compares that with what was given. */
import * as v from 'valibot';

import { until, type Rider } from './durable-rider.ts';
import type { Account } from './riders.ts';

/** What is not delivered by then is not. */
const deliveryMsMax = 60_000;

/** Sessions asked for at once. */
const togetherMax = 50;

const answered = v.object({ state: v.object({ count: v.number(), mix: v.number() }) });

export async function accountOf(riders: readonly Rider[]): Promise<Account> {
  await Promise.race([
    Promise.all(riders.map(({ session }) => until(session, ({ unsaved }) => unsaved === 0))),
    new Promise((resolve) => setTimeout(resolve, deliveryMsMax)),
  ]);
  const total = { given: 0, undelivered: 0, lost: 0, doubled: 0, differing: 0 };
  for (let first = 0; first < riders.length; first += togetherMax)
    await Promise.all(
      riders.slice(first, first + togetherMax).map(async (rider) => {
        const { givenCount, expected } = rider;
        const { count, mix } = await stateOf(rider);
        total.given += givenCount;
        total.undelivered += rider.session.view().unsaved;
        total.lost += Math.max(0, givenCount - count);
        total.doubled += Math.max(0, count - givenCount);
        if (count !== expected.count || mix !== expected.mix) total.differing++;
      }),
    );
  return total;
}

/** As the service tells it to anybody with the token, not as the client has it. */
async function stateOf({ storage }: Rider) {
  const kept = await storage.load();
  if (kept === undefined) throw new Error('A rider keeps no session.');
  const { url, token } = kept.session;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`A session was not told: ${answer.status}.`);
  return v.parse(answered, await answer.json()).state;
}
