/** The run: many connections at once send what a seed says, every answer is judged, and memory is looked at before and after. */
import { Agent } from 'node:http';

import fc, { type Arbitrary } from 'fast-check';

import { startProgress, type Screen } from '../chaos/progress.ts';
import { readCorpus, type FuzzCase } from './corpus.ts';
import { readDocumented } from './documented.ts';
import { wireCases } from './frame-inputs.ts';
import { startFuzzServer, type FuzzServer } from './fuzz-server.ts';
import { httpCases, rawCases } from './http-inputs.ts';
import { reproduce, type Finding } from './reproduce.ts';
import { rightRequests } from './right-requests.ts';
import type { Route } from './route-list.ts';
import { runCase, type Bench } from './run-case.ts';
import { rightBody, takeAccountSeat, takeSeat, type Seat } from './seat.ts';

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly serverFile: string;
  readonly stores: { readonly postgres: string; readonly redis: string };
  readonly routes: readonly Route[];
  readonly screen: Screen;
}

export interface FuzzReport {
  readonly inputs: Readonly<Record<FuzzCase['kind'], number>>;
  readonly seconds: number;
  readonly heapBeforeBytes: number;
  readonly heapAfterBytes: number;
  /** How often each route below /v1 was answered how, as `METHOD /path status`. */
  readonly answers: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

/** Bytes the heap may have grown by: less than ten for each of a million inputs, which is less than any object takes. */
export const heapGrowthMaxBytes = 8 * 1_048_576;

/** Connections at once, by what goes over them. */
const laneCounts: Readonly<Record<FuzzCase['kind'], number>> = { wire: 14, http: 5, raw: 2 };

/** Cases before a session is left for a new one: its state grows, and is sent with every welcome; an account is soon signed out. */
const casesPerSeat: Readonly<Record<FuzzCase['kind'], number>> = { wire: 50, http: 10, raw: 50 };

/** Findings after which a run ends: what follows would be the same. */
const findingsMax = 20;

/** Part of the inputs that goes before the first look at memory: caches and compiled code come to stay. */
const warmUpPart = 0.05;

interface Run {
  readonly options: FuzzOptions;
  readonly bench: Bench;
  readonly server: FuzzServer;
  readonly draw: Readonly<Record<FuzzCase['kind'], (number: number) => FuzzCase>>;
  readonly counts: Record<FuzzCase['kind'], number>;
  readonly drawn: Record<FuzzCase['kind'], number>;
  readonly answers: Map<string, number>;
  readonly findings: Finding[];
  /** What was told of already. */
  readonly seen: { complaintCount: number; seatCount: number };
}

/** Resolves when all inputs were sent, or nothing is to be learned any more. */
export async function runFuzz(options: FuzzOptions, signal: AbortSignal): Promise<FuzzReport> {
  const server = await startFuzzServer(options.serverFile, options.stores);
  const agent = new Agent({ keepAlive: true, maxSockets: laneCounts.http });
  const corpus = readCorpus();
  const bodies = [rightBody(), '{"kind":"workout","input":{}}'];
  const run: Run = {
    options,
    server,
    bench: { url: server.url, agent, documented: readDocumented(), routes: options.routes },
    draw: {
      wire: drawer(wireCases(corpus.frames), options.seed),
      http: drawer(httpCases(options.routes, bodies), options.seed + 1),
      raw: drawer(rawCases(corpus.requests), options.seed + 2),
    },
    counts: { wire: 0, http: 0, raw: 0 },
    drawn: { wire: 0, http: 0, raw: 0 },
    answers: new Map(),
    findings: [],
    seen: { complaintCount: 0, seatCount: 0 },
  };
  const startMs = performance.now();
  const progress = startProgress(options.screen, () => describe(run, startMs));
  try {
    for (const found of corpus.found) await take(run, found, await seatFor(run, found.kind));
    for (const requests of rightRequests) {
      const seat = await seatFor(run, 'http');
      for (const request of requests) await take(run, request, seat);
    }
    await sendUntil(run, Math.ceil(options.inputs * warmUpPart), signal);
    const heapBeforeBytes = await atRest(run);
    await sendUntil(run, options.inputs, signal);
    const heapAfterBytes = await atRest(run);
    const growth = heapAfterBytes - heapBeforeBytes;
    if (growth > heapGrowthMaxBytes) note(run, undefined, `the heap grew by ${growth} bytes`);
    const seconds = (performance.now() - startMs) / 1_000;
    const findings = await reproduce(run.findings, options);
    const { counts: inputs, answers } = run;
    return { inputs, seconds, heapBeforeBytes, heapAfterBytes, answers, findings };
  } finally {
    progress.stop();
    agent.destroy();
    await server.stop();
  }
}

/** The n-th case is the same for the same seed, whatever the others do. */
function drawer<Case extends FuzzCase>(
  cases: Arbitrary<Case>,
  seed: number,
): (number: number) => Case {
  return (number) => {
    const [drawn] = fc.sample(cases, { seed: Math.imul(seed, 0x9e3779b1) + number, numRuns: 1 });
    if (drawn === undefined) throw new Error('Nothing was drawn.');
    return drawn;
  };
}

const total = ({ wire, http, raw }: Run['counts']): number => wire + http + raw;

async function sendUntil(run: Run, inputCount: number, signal: AbortSignal): Promise<void> {
  const isOver = (): boolean =>
    total(run.counts) >= inputCount ||
    signal.aborted ||
    run.findings.length >= findingsMax ||
    run.server.ending() !== undefined;
  const lanes = Object.entries(laneCounts).flatMap(([kind, count]) =>
    Array.from({ length: count }, () => runLane(run, kind as FuzzCase['kind'], isOver)),
  );
  await Promise.all(lanes);
}

async function runLane(run: Run, kind: FuzzCase['kind'], isOver: () => boolean): Promise<void> {
  let seat: Seat | undefined;
  for (let count = 0; !isOver(); count++) {
    try {
      if (seat === undefined || count % casesPerSeat[kind] === 0) seat = await seatFor(run, kind);
    } catch (error) {
      note(run, undefined, `no session can begin: ${String(error)}`);
      return;
    }
    await take(run, run.draw[kind](run.drawn[kind]++), seat);
  }
}

/** Requests find an account as well. */
function seatFor({ server, seen }: Run, kind: FuzzCase['kind']): Promise<Seat> {
  return kind === 'wire' ? takeSeat(server.url) : takeAccountSeat(server, ++seen.seatCount);
}

async function take(run: Run, fuzzCase: FuzzCase, seat: Seat): Promise<void> {
  const { inputCount, problem, answer } = await runCase(run.bench, seat, fuzzCase);
  if (answer !== undefined) run.answers.set(answer, (run.answers.get(answer) ?? 0) + 1);
  run.counts[fuzzCase.kind] += inputCount;
  const complaints = run.server.complaints.slice(run.seen.complaintCount);
  run.seen.complaintCount += complaints.length;
  const ending = run.server.ending();
  if (ending !== undefined) note(run, fuzzCase, ending);
  // May be another connection's doing: trying again will tell.
  else if (complaints.length > 0) note(run, fuzzCase, `the server complained: ${complaints[0]}`);
  else if (problem !== undefined) note(run, fuzzCase, problem);
}

function note({ findings, options }: Run, fuzzCase: FuzzCase | undefined, problem: string): void {
  if (findings.length >= findingsMax) return;
  findings.push({ fuzzCase, problem });
  options.screen.write(`found: ${problem.slice(0, 300)}\n`);
}

async function atRest(run: Run): Promise<number> {
  if (run.server.ending() !== undefined) return 0;
  // Kept-alive connections of HTTP are no leak, and are as many each time.
  try {
    return await run.server.heapAtRestBytes();
  } catch (error) {
    note(run, undefined, error instanceof Error ? error.message : String(error));
    return 0;
  }
}

function describe({ counts, findings, options }: Run, startMs: number): string {
  const seconds = (performance.now() - startMs) / 1_000;
  const count = total(counts);
  const perSecond = Math.round(count / seconds);
  const left = perSecond === 0 ? '' : `, ${Math.ceil((options.inputs - count) / perSecond)} s left`;
  return `${count} of ${options.inputs} inputs (${counts.wire} frames, ${counts.http} requests, ${counts.raw} raw), ${perSecond}/s${left}, findings ${findings.length}`;
}
