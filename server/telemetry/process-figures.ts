/** What the process takes, and how long it lets others wait. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { cpuUsage, memoryUsage, uptime } from 'node:process';

export interface ProcessFigures {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly cpuS: number;
  readonly uptimeS: number;
  /** Of the last finished window; 0 before. */
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

export interface ProcessWatch {
  readonly figures: () => ProcessFigures;
  /** Ends a window of the event loop's delays and begins the next one. */
  readonly turn: () => void;
  readonly stop: () => void;
}

/** Milliseconds between two samples of the event loop's delay; it is what a delay of none measures as. */
const resolutionMs = 20;

export function watchProcess(): ProcessWatch {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let window = { loopDelayP99Ms: 0, loopDelayMaxMs: 0 };
  const beyond = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs);
  return {
    figures: () => {
      const { rss: residentBytes, heapUsed: heapBytes } = memoryUsage();
      const { user, system } = cpuUsage();
      const cpuS = (user + system) / 1e6;
      return { residentBytes, heapBytes, cpuS, uptimeS: uptime(), ...window };
    },
    turn: () => {
      if (delays.count > 0)
        window = {
          loopDelayP99Ms: beyond(delays.percentile(99)),
          loopDelayMaxMs: beyond(delays.max),
        };
      delays.reset();
    },
    stop: () => {
      delays.disable();
    },
  };
}
