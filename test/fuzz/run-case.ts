/** One case, whatever kind. */
import type { FuzzCase } from './corpus.ts';
import { runHttp, runRaw, type Target } from './run-http.ts';
import { runWire, type Outcome } from './run-wire.ts';
import type { Seat } from './seat.ts';

export type Bench = Target;

export function runCase(bench: Bench, seat: Seat, fuzzCase: FuzzCase): Promise<Outcome> {
  switch (fuzzCase.kind) {
    case 'wire':
      return runWire(bench.url, seat, fuzzCase, bench.documented);
    case 'http':
      return runHttp(bench, seat, fuzzCase);
    case 'raw':
      return runRaw(bench, seat, fuzzCase);
  }
}
