/** What a proxy, an operator and a deploy ask. */
import type { FastifyInstance } from 'fastify';

import type { Lifecycle } from '../lifecycle/lifecycle.ts';

export interface HealthParts {
  readonly lifecycle: Lifecycle;
  readonly release: string;
  /** Which stores answer, by name. */
  readonly probe: () => Promise<Readonly<Record<string, 'up' | 'down' | 'absent'>>>;
  readonly figures: () => {
    readonly sessions: number;
    readonly connections: number;
    /** How many hand-overs have come to their end. */
    readonly hand_overs: number;
    /** Connections that were welcomed, and that should have been: a deploy compares instances by these. */
    readonly welcomed: number;
    readonly unwelcomed: number;
    readonly loop_delay_p99_ms: number;
  };
}

export function installHealthRoutes(app: FastifyInstance, parts: HealthParts): void {
  // Alive as long as it answers, in warm-up and drain too: a restart would not help either of them.
  app.get('/livez', (_request, reply) => reply.send({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    const phase = parts.lifecycle.phase();
    const stores = await parts.probe();
    const states = Object.values(stores);
    // With one store away sessions go on: taking the instance out would help nobody, and all would be taken out at once.
    const canServe = phase === 'ready' && states.includes('up');
    const isWhole = !states.includes('down');
    const status = canServe ? (isWhole ? 'ready' : 'degraded') : 'not-ready';
    return reply.code(canServe ? 200 : 503).send({ status, phase, stores, ...parts.figures() });
  });
  app.get('/healthz', (_request, reply) => {
    const phase = parts.lifecycle.phase();
    return reply.code(['leaving', 'draining'].includes(phase) ? 503 : 200).send({ status: phase });
  });
  app.get('/version', (_request, reply) =>
    reply.send({ name: 'trackstand', release: parts.release }),
  );
}
