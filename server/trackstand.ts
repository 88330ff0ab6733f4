/** The framework's server side as a Fastify plugin, and the one place where its rooms are put together. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';

import type { FastifyInstance, FastifyReply } from 'fastify';

import { systemClock, type Clock } from '../shared/clock.ts';
import { defaultLimits } from '../shared/protocol/limits.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import { createAdmission } from './admission/admission.ts';
import { signatures, type Signatures } from './auth/signatures.ts';
import { signingKeys } from './auth/signing-keys.ts';
import type { ConnectionParts } from './gateway/connection-parts.ts';
import type { Connection } from './gateway/connection.ts';
import type { SchemaParts } from './gateway/schema-refusal.ts';
import { installUpgrade, installWebSockets } from './gateway/upgrade.ts';
import { installFrontDoor } from './http/front-door.ts';
import { installHealthRoutes } from './http/health-routes.ts';
import { installNotFound, installProblems, sendProblem } from './http/problem.ts';
import { installReaderRoutes } from './http/reader-routes.ts';
import { createSessionOffice } from './http/session-office.ts';
import type { SessionOwners } from './http/session-owners.ts';
import {
  installSessionRoutes,
  readSession,
  sendSession,
  sessionPath,
} from './http/session-routes.ts';
import { drain, type DrainParts } from './lifecycle/drain.ts';
import { countedHandOvers, handOver, routesBeside, type HandOvers } from './lifecycle/hand-over.ts';
import { createLifecycle } from './lifecycle/lifecycle.ts';
import { installOperations, watchInstance, type Watches } from './operations/operations.ts';
import { Caretaker, type CaretakerParts } from './session/caretaker.ts';
import { knownVersions } from './session/open-session.ts';
import { SessionRegistry, type RegistryParts } from './session/session-registry.ts';
import { openStores, type Stores } from './store/open-stores.ts';
import { isTakenBack, type SchemaCatalog } from './store/schema-catalog.ts';
import { drainDefaults, endOfLifeDefaults, type TrackstandOptions } from './trackstand-options.ts';

export type { TrackstandOptions } from './trackstand-options.ts';
export { installProblems } from './http/problem.ts';
export { listenBacklog, serverOptions } from './http/server-options.ts';

const upgradeProblems = {
  address: 'too-many-connections',
  instance: 'overloaded',
  'no-route': 'not-found',
} as const;

/** 128 random bits, safe in a path. */
const newId = (): string => randomBytes(16).toString('base64url');

/**
 * Registers the routes of the protocol, health included, and takes sessions once the app is ready. Closing the app drains it;
 * create the app with `Fastify(serverOptions())`, so that slow clients are cut and `/livez` goes on answering meanwhile.
 * Rejects when a store cannot be reached or is not fit to be used, with one sentence.
 */
export async function trackstand(app: FastifyInstance, options: TrackstandOptions): Promise<void> {
  const clock = systemClock;
  const { limits = defaultLimits, release = 'dev' } = options;
  const models = new Map(options.sessions.map((model) => [model.kind, model]));
  const signed = signatures(signingKeys([options.secret].flat()));
  const lifecycle = createLifecycle();
  const connections = new Set<Connection>();
  const reportError = (error: unknown, sessionId: string): void =>
    app.log.error({ err: error, session_id: sessionId }, 'a session failed');
  const watches = watchInstance(app);
  const stores = await reachStores(app, options, clock);
  const { journals, limit } = stores;
  const admission = createAdmission(options, limit);
  const { counts } = watches;
  const hosting = { journals, models, clock, limits, release, reportError, counts };
  const registry = createRegistry(options, signed, hosting);
  const isDraining = (): boolean => ['draining', 'stopped'].includes(lifecycle.phase());
  await installWebSockets(app, limits);
  installProblems(app);
  installFrontDoor(app, admission.origins);
  await installNotFound(app, '/v1');
  const shared = { registry, ...signed, clock, newClientId: randomUUID };
  const endOfLife = options.endOfLife ?? endOfLifeDefaults;
  const catalog = journals.checkpoints;
  const office = { ...shared, catalog, limit, tombstoneMs: endOfLife.tombstoneMs };
  const owners = await options.owners?.(app, createSessionOffice(office, stores.forget));
  const routes = {
    ...shared,
    begins: owners?.begins ?? nobodyBegins,
    models,
    catalog,
    newId,
    publicUrl: options.publicUrl,
    isDraining,
    takeBeginning: admission.takeBeginning,
  };
  installSessionRoutes(app, routes);
  installReaderRoutes(app, routes);
  installUpgrade(app, {
    registry,
    clock,
    limits,
    ...schemasOf(models, stores.schemas),
    ...proving(signed),
    reportError,
    connections,
    closed: (code, greeting) => {
      watches.closes.count(code);
      watches.greetings.ended(code, greeting);
    },
    path: sessionPath,
    counts: admission.counts,
    entered: owners && admission.countOwners(owners.ownerOf).enter,
    refuseUpgrade,
    refusal: (reply) => (isDraining() ? sendProblem(reply, 'draining') : undefined),
    read: async (request, reply) => sendSession(reply, await readSession(routes, request)),
  });
  const settings = options.drain ?? drainDefaults;
  const parts = { lifecycle, clock, registry, connections, settings };
  const endOperations = installHealth(app, parts, options, { stores, watches, owners });
  const care = { models, registry, clock, reportError, settings: endOfLife };
  const caretaker = makeCaretaker(app, stores, care);
  liveWith(app, parts, caretaker, async () => {
    await endOperations();
    await stores.close();
  });
}

const nobodyBegins: SessionOwners['begins'] = () => Promise.resolve({ kind: 'nobody' });

function reachStores(
  app: FastifyInstance,
  { postgres, redis, release = 'dev', place = `unnamed-${newId()}` }: TrackstandOptions,
  clock: Clock,
): Promise<Stores> {
  return openStores({
    postgres,
    redis,
    clock,
    arrival: { place, release },
    warn: (store, error) => app.log.warn({ store, reason: error.message }, 'a store is in trouble'),
  });
}

function createRegistry(
  { checkpointMs = 5_000, detachedGraceMs = 60_000 }: TrackstandOptions,
  { tokens, positions }: Signatures,
  parts: Pick<
    RegistryParts,
    'journals' | 'models' | 'clock' | 'limits' | 'release' | 'reportError' | 'counts'
  >,
): SessionRegistry {
  return new SessionRegistry({
    ...parts,
    newId,
    issueToken: tokens.issue,
    signPosition: positions.sign,
    checkpointMs,
    detachedGraceMs,
  });
}

function refuseUpgrade(reply: FastifyReply, why: keyof typeof upgradeProblems): void {
  sendProblem(reply, upgradeProblems[why]);
}

function makeCaretaker(
  app: FastifyInstance,
  { journals, housekeeping }: Stores,
  parts: Pick<CaretakerParts, 'models' | 'registry' | 'clock' | 'reportError' | 'settings'>,
): Caretaker {
  return new Caretaker({
    ...parts,
    journals,
    housekeeping,
    newId,
    random: () => randomInt(1_000) / 1_000,
    archived: (sessionId, reason) =>
      app.log.info({ session_id: sessionId, reason }, 'a session was archived'),
    buried: (count) => app.log.info({ count }, 'sessions whose time is over were deleted'),
  });
}

function proving({
  tokens,
  positions,
  origins,
}: Signatures): Pick<ConnectionParts, 'proveToken' | 'isProven' | 'proveOrigin' | 'countArrival'> {
  let arrivals = 0;
  return {
    proveToken: tokens.prove,
    isProven: positions.isProven,
    proveOrigin: origins.prove,
    countArrival: () => ++arrivals,
  };
}

function schemasOf(models: ReadonlyMap<string, AnyModel>, schemas: SchemaCatalog): SchemaParts {
  return {
    versions: knownVersions(models),
    isTakenBack: (sessionId, version) => isTakenBack(schemas, sessionId, version),
  };
}

interface HealthSources {
  readonly stores: Stores;
  readonly watches: Watches;
  readonly owners: SessionOwners | undefined;
}

function installHealth(
  app: FastifyInstance,
  parts: DrainParts,
  options: TrackstandOptions,
  { stores, watches, owners }: HealthSources,
): () => Promise<void> {
  const { lifecycle, registry, connections } = parts;
  const { release = 'dev', place = '', metrics, deployLog } = options;
  const { probe, circuits, instances } = stores;
  const handOvers = handOversOf(app, parts, options);
  const end = installOperations(app, {
    ...watches,
    ...parts,
    release,
    circuits,
    instances,
    metrics,
    place,
    deployLog,
    isOperator: owners?.isOperator,
    hashing: owners?.hashing,
    connectionCount: () => connections.size,
    greeted: () => watches.greetings.counts(connections),
    handOverCount: handOvers.count,
  });
  installHealthRoutes(app, {
    lifecycle,
    release,
    probe,
    figures: () => ({
      sessions: registry.hosts.size,
      connections: connections.size,
      hand_overs: handOvers.count(),
      ...watches.greetings.counts(connections),
      loop_delay_p99_ms: Math.round(watches.process.figures().loopDelayP99Ms),
    }),
  });
  return end;
}

function handOversOf(
  app: FastifyInstance,
  parts: DrainParts,
  { socketPath, onHandOver }: TrackstandOptions,
): HandOvers {
  const leadsHere = routesBeside(socketPath);
  const handOvers = countedHandOvers(
    () => handOver({ ...parts, leadsHere }),
    (error) => app.log.error({ err: error }, 'handing over failed'),
  );
  onHandOver?.(() => handOvers.start());
  return handOvers;
}

/** Takes sessions once the app is ready, and drains before it closes. */
function liveWith(
  app: FastifyInstance,
  parts: DrainParts,
  caretaker: Caretaker,
  close: () => Promise<void>,
): void {
  app.addHook('onReady', (done) => {
    parts.registry.start();
    caretaker.start();
    parts.lifecycle.enter('ready');
    done();
  });
  app.addHook('preClose', async () => {
    // Nothing is put away in a hurry.
    void caretaker.stop();
    await drain(parts);
  });
  app.addHook('onClose', async () => {
    await caretaker.stop();
    await close();
  });
}
