/** Whether a release does worse than the one beside it, by the proxy's access log and by what instances say of themselves. Pure. */

/** One request, as trackstand.conf logs it. */
export interface LoggedRequest {
  readonly atMs: number;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  readonly isUpgrade: boolean;
}

export interface Tally {
  readonly requests: number;
  /** 5xx, upgrades among them. What the client did wrong is no error of a release. */
  readonly errors: number;
  /** 95th percentile of plain requests; undefined below `latencySamplesMin` of them. */
  readonly p95Ms: number | undefined;
}

/** Connections that came to an instance to begin or resume a session. */
export interface Greetings {
  readonly welcomed: number;
  readonly unwelcomed: number;
}

export interface SloLimits {
  /** Below that many requests of the new release nothing is said about it. */
  readonly samplesMin: number;
  /** The same of connections. */
  readonly greetingsMin: number;
  /** Share of errors that is always too much, when it is no accident. */
  readonly errorRateMax: number;
  /** Milliseconds it may be slower, besides half as slow again. */
  readonly slowerByMsMax: number;
  /** Milliseconds its event loop may be late, 99 % of the time, when those beside it are not half as late. */
  readonly lateMsMax: number;
}

export type SloVerdict =
  | { readonly kind: 'kept' }
  | { readonly kind: 'too-few' }
  | { readonly kind: 'broken'; readonly why: string };

const latencySamplesMin = 50;

/** How improbable it must be that the new release only had bad luck. */
const accidentMax = 0.01;

const line = /^(\d+\.\d+) (\S+) (\d{3}) (\d+\.\d+) \S+ (upgrade|close) /;

/** Undefined for a line of another form. */
export function parseRequest(text: string): LoggedRequest | undefined {
  const found = line.exec(text);
  if (found === null) return undefined;
  const [, at, route = '', status, duration, kind] = found;
  return {
    atMs: Number(at) * 1000,
    route,
    status: Number(status),
    durationMs: Number(duration) * 1000,
    isUpgrade: kind === 'upgrade',
  };
}

export function tally(requests: readonly LoggedRequest[]): Tally {
  const durations = requests
    .filter(({ isUpgrade, status }) => !isUpgrade && status < 500)
    .map(({ durationMs }) => durationMs)
    .toSorted((one, other) => one - other);
  return {
    requests: requests.length,
    errors: requests.filter(({ status }) => status >= 500).length,
    p95Ms:
      durations.length < latencySamplesMin
        ? undefined
        : durations[Math.ceil(durations.length * 0.95) - 1],
  };
}

interface Sample {
  readonly requests: number;
  readonly errors: number;
}

/** More errors than its limit and twice those beside it, and hardly by accident. */
function errsMore(fresh: Sample, former: Sample, { errorRateMax }: SloLimits): boolean {
  const rate = (of: Sample): number => (of.requests === 0 ? 0 : of.errors / of.requests);
  const rateMax = Math.max(errorRateMax, 2 * rate(former));
  return rate(fresh) > rateMax && accident(fresh, former) < accidentMax;
}

export function judge(fresh: Tally, former: Tally, limits: SloLimits): SloVerdict {
  const [freshMs, formerMs] = [fresh.p95Ms, former.p95Ms];
  if (
    freshMs !== undefined &&
    formerMs !== undefined &&
    freshMs > 1.5 * formerMs + limits.slowerByMsMax
  )
    return {
      kind: 'broken',
      why: `95 % of its requests took up to ${Math.round(freshMs)} ms, beside ${Math.round(formerMs)} ms`,
    };
  if (errsMore(fresh, former, limits))
    return {
      kind: 'broken',
      why: `${fresh.errors} of its ${fresh.requests} requests failed, beside ${former.errors} of ${former.requests}`,
    };
  return fresh.requests < limits.samplesMin ? { kind: 'too-few' } : { kind: 'kept' };
}

/** Those of the time that is judged. A release can answer every request well and resume no session. */
export function judgeGreetings(fresh: Greetings, former: Greetings, limits: SloLimits): SloVerdict {
  const sampleOf = ({ welcomed, unwelcomed }: Greetings): Sample => ({
    requests: welcomed + unwelcomed,
    errors: unwelcomed,
  });
  const [its, others] = [sampleOf(fresh), sampleOf(former)];
  return errsMore(its, others, limits)
    ? {
        kind: 'broken',
        why: `${its.errors} of ${its.requests} connections to it were not welcomed, beside ${others.errors} of ${others.requests}`,
      }
    : { kind: 'kept' };
}

/** `lateMs`: how late its event loop is; of those beside it, the latest. */
export function judgeLoop(lateMs: number, besideMs: number, { lateMsMax }: SloLimits): SloVerdict {
  return lateMs > lateMsMax && lateMs > 2 * besideMs
    ? {
        kind: 'broken',
        why: `its event loop is up to ${lateMs} ms late, beside ${besideMs} ms`,
      }
    : { kind: 'kept' };
}

/** Fisher's exact test, one-sided: probability of at least as many errors in `fresh` if both were equally good. */
export function accident(fresh: Sample, former: Sample): number {
  // A release without anything beside it is held against one that made no error in as many requests.
  const beside = former.requests === 0 ? { ...fresh, errors: 0 } : former;
  const errors = fresh.errors + beside.errors;
  const all = fresh.requests + beside.requests;
  let sum = 0;
  for (let count = fresh.errors; count <= Math.min(errors, fresh.requests); count++)
    sum += Math.exp(
      logChoose(fresh.requests, count) +
        logChoose(beside.requests, errors - count) -
        logChoose(all, errors),
    );
  return Math.min(1, sum);
}

function logChoose(all: number, some: number): number {
  if (some < 0 || some > all) return -Infinity;
  return logFactorial(all) - logFactorial(some) - logFactorial(all - some);
}

function logFactorial(count: number): number {
  if (count < 20) {
    let sum = 0;
    for (let factor = 2; factor <= count; factor++) sum += Math.log(factor);
    return sum;
  }
  // Stirling's series; its error is below 1e-9 from 20 on.
  return (
    count * Math.log(count) -
    count +
    0.5 * Math.log(2 * Math.PI * count) +
    1 / (12 * count) -
    1 / (360 * count ** 3)
  );
}
