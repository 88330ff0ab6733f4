import { measure, openBench, startStores } from './bench.ts';
import { subjectNames, type SubjectName } from './subjects.ts';

const args = process.argv.slice(2);
const hz = args.includes('--hz') ? Number(args[args.indexOf('--hz') + 1]) : undefined;
const riders = args.includes('--riders') ? Number(args[args.indexOf('--riders') + 1]) : 200;
const seconds = args.includes('--seconds') ? Number(args[args.indexOf('--seconds') + 1]) : 5;
const rounds = args.includes('--rounds') ? Number(args[args.indexOf('--rounds') + 1]) : 1;
const profile = args.includes('--profile') ? args[args.indexOf('--profile') + 1] : undefined;
const only = args.includes('--only')
  ? (args[args.indexOf('--only') + 1] as SubjectName)
  : undefined;
const stores = await startStores();
try {
  for (let round = 0; round < rounds; round++)
    for (const subject of only ? [only] : subjectNames) {
      const bench = await openBench(stores, { subject, riders, checkpointMs: 5_000 });
      try {
        const load = hz === undefined ? { inFlight: 16 } : { hz };
        await measure(bench, { kind: 'ride', seconds: 1, load });
        if (profile) await bench.subject.ask({ kind: 'profile', file: undefined });
        const { cost, latencies, lateness, missing } = await measure(bench, {
          kind: 'ride',
          seconds,
          load,
        });
        if (profile) await bench.subject.ask({ kind: 'profile', file: profile });
        if (subject === 'durable') {
          const { Redis } = await import('ioredis');
          const redis = new Redis(stores.redis.url);
          console.log(
            (await redis.info('commandstats'))
              .match(/cmdstat_(evalsha|xadd|set):[^\n]*/g)
              ?.join(' '),
            latencies.count,
          );
          redis.disconnect();
        }
        console.log(
          subject.padEnd(8),
          Object.entries(cost)
            .map(([k, v]) => `${k} ${v.toFixed(2)}`)
            .join(' '),
          `p50 ${latencies.p50} p99 ${latencies.p99} late ${lateness.p99} missing ${missing}`,
        );
      } finally {
        await bench.end();
      }
    }
} finally {
  await stores.stop();
}
process.exit(0);
