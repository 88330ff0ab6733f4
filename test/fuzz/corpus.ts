/** Recorded sessions, and inputs that once found a fault. */
import { existsSync, readFileSync } from 'node:fs';

import type { WireCase } from './frame-inputs.ts';
import type { HttpCase, RawCase } from './http-inputs.ts';

export type FuzzCase = WireCase | HttpCase | RawCase;

export interface Corpus {
  readonly frames: readonly string[];
  /** Whole requests. */
  readonly requests: readonly string[];
  readonly found: readonly FuzzCase[];
}

const folder = new URL('../../test/fuzz/corpus/', import.meta.url);

export function readCorpus(): Corpus {
  return {
    frames: linesOf('frames.jsonl'),
    requests: linesOf('requests.jsonl').map((line) => JSON.parse(line) as string),
    found: linesOf('found.jsonl').map((line) => JSON.parse(line) as FuzzCase),
  };
}

function linesOf(name: string): readonly string[] {
  const file = new URL(name, folder);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
