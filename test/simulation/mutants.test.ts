import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { guardedElsewhere } from './guarded-elsewhere.ts';
import { mutants } from './mutants.ts';
import { simulatorOf } from './planted-source.ts';

const seedsMax = 300;

async function firstCaught(name: string): Promise<number | undefined> {
  const simulate = await simulatorOf(name);
  const { tampering, firstSeed = 1 } = mutants[name] ?? {};
  for (let seed = firstSeed; seed < firstSeed + seedsMax; seed++) {
    const { violation } = await simulate(seed, { tampering });
    if (violation !== undefined) return seed;
  }
  return undefined;
}

describe('the simulator notices', () => {
  test.each(Object.keys(mutants))('%s', async (name) => {
    expect(await firstCaught(name)).toBeDefined();
  });
});

describe('what the simulator cannot see has a test elsewhere', () => {
  test.each(guardedElsewhere)('$clause', ({ file, title }) => {
    expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).toContain(title);
  });
});
