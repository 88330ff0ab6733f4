/** Finds out which findings happen again on a server of their own, and makes those small. */
import { Agent } from 'node:http';

import type { FuzzCase } from './corpus.ts';
import { readDocumented } from './documented.ts';
import type { FrameInput } from './frame-inputs.ts';
import { startFuzzServer, type FuzzServer } from './fuzz-server.ts';
import { runCase } from './run-case.ts';
import { takeAccountSeat } from './seat.ts';
import { shrink } from './shrink.ts';

export interface Finding {
  /** Absent when no single input is to blame. */
  readonly fuzzCase: FuzzCase | undefined;
  readonly problem: string;
  /** Whether it happened again, alone. */
  readonly isRepeatable?: boolean;
}

/** Findings that are looked at closely; the others are told as they are. */
const shrunkMax = 4;

export async function reproduce(
  findings: readonly Finding[],
  options: Pick<Parameters<typeof openBench>[0], 'serverFile' | 'stores'>,
): Promise<readonly Finding[]> {
  if (findings.length === 0) return [];
  const bench = await openBench(options);
  try {
    const looked: Finding[] = [];
    for (const finding of oneOfEach(findings).slice(0, shrunkMax))
      looked.push(await bench.look(finding));
    return [...looked, ...findings.slice(looked.length)];
  } finally {
    await bench.stop();
  }
}

/** Different problems first. */
function oneOfEach(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [finding.problem.slice(0, 60), finding])).values()];
}

async function openBench(options: {
  readonly serverFile: string;
  readonly stores: { readonly postgres: string; readonly redis: string };
}) {
  const documented = readDocumented();
  const agent = new Agent();
  let seatCount = 0;
  let server: FuzzServer = await startFuzzServer(options.serverFile, options.stores);
  const problemOf = async (fuzzCase: FuzzCase): Promise<string | undefined> => {
    if (server.ending() !== undefined) {
      await server.stop();
      server = await startFuzzServer(options.serverFile, options.stores);
    }
    const complaintCount = server.complaints.length;
    const seat = await takeAccountSeat(server, ++seatCount);
    const bench = { url: server.url, agent, documented, routes: [] };
    const { problem } = await runCase(bench, seat, fuzzCase);
    return server.ending() ?? problem ?? server.complaints[complaintCount];
  };
  return {
    look: async (finding: Finding): Promise<Finding> => {
      const { fuzzCase } = finding;
      if (fuzzCase === undefined) return finding;
      const problem = await problemOf(fuzzCase);
      if (problem === undefined) return { ...finding, isRepeatable: false };
      const smallest = await smallestOf(
        fuzzCase,
        async (smaller) => (await problemOf(smaller)) !== undefined,
      );
      return { fuzzCase: smallest, problem, isRepeatable: true };
    },
    stop: async () => {
      agent.destroy();
      await server.stop();
    },
  };
}

/** First fewer inputs, then a shorter last one. */
async function smallestOf(
  fuzzCase: FuzzCase,
  fails: (smaller: FuzzCase) => Promise<boolean>,
): Promise<FuzzCase> {
  if (fuzzCase.kind !== 'wire') {
    const base64 = await shorter(fuzzCase.base64, (base64) => fails({ ...fuzzCase, base64 }));
    return { ...fuzzCase, base64 };
  }
  const inputs = await shrink(fuzzCase.inputs, (inputs) => fails({ ...fuzzCase, inputs }));
  const last = inputs.at(-1);
  if (last === undefined) return fuzzCase;
  const withLast = (input: FrameInput): FuzzCase => ({
    ...fuzzCase,
    inputs: [...inputs.slice(0, -1), input],
  });
  if ('text' in last) {
    const letters = await shrink([...last.text], (letters) =>
      fails(withLast({ text: letters.join('') })),
    );
    return withLast({ text: letters.join('') });
  }
  const base64 = await shorter(last.base64, (base64) => fails(withLast({ ...last, base64 })));
  return withLast({ ...last, base64 });
}

async function shorter(
  base64: string,
  fails: (base64: string) => Promise<boolean>,
): Promise<string> {
  const asText = (bytes: readonly number[]): string => Buffer.from(bytes).toString('base64');
  return asText(await shrink([...Buffer.from(base64, 'base64')], (bytes) => fails(asText(bytes))));
}
