import { describe, expect, test } from 'vitest';

import { mutants } from './mutants.ts';
import { simulatorOf } from './planted-source.ts';

const seedsMax = 300;

async function firstCaught(name: string): Promise<number | undefined> {
  const simulate = await simulatorOf(name);
  for (let seed = 1; seed <= seedsMax; seed++) {
    const { violation } = await simulate(seed, { tampering: mutants[name]?.tampering });
    if (violation !== undefined) return seed;
  }
  return undefined;
}

describe('the simulator notices', () => {
  test.each(Object.keys(mutants))('%s', async (name) => {
    expect(await firstCaught(name)).toBeDefined();
  });
});
