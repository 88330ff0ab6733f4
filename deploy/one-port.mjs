/**
 * Deploys without a proxy: one process holds nothing but the port's place, and starts releases that accept on it. A new one binds when it
 * is warm, beside the old one; then the old one takes no new connections, hands its sessions over, and leaves.
 *
 *   node deploy/one-port.mjs run [release]      stays in the foreground: for a service manager. Without a release, the one of last time
 *   node deploy/one-port.mjs deploy <release>   from another terminal: says what happens, and how it ended
 *
 * Environment: RELEASES_DIR, STATE_DIR, APP_ENV (as rolling.sh has them), HEALTHY_S, READY_DEADLINE_S, DRAIN_DEADLINE_S.
 * Exit codes: 0 done, 2 usage, 11 no such release, 20 never ready, 31 died, 69 nothing runs here, 75 another deploy.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const {
  STATE_DIR: stateFolder = '/var/lib/trackstand',
  RELEASES_DIR: releasesFolder = join(stateFolder, 'releases'),
  APP_ENV: environmentFile = '/etc/trackstand/app.env',
  HEALTHY_S = '10',
  READY_DEADLINE_S = '60',
  DRAIN_DEADLINE_S = '90',
} = process.env;
const control = join(stateFolder, 'one-port.sock');
const liveFile = join(stateFolder, 'one-port.live');
const mainOf = (release) => join(releasesFolder, release, 'dist/server/main.js');
const isName = (release) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(release);

/** Over a socket, one JSON a line: `{say}` and at last `{code}`. */
async function deploy(release) {
  const socket = connect(control);
  try {
    await once(socket, 'connect');
  } catch {
    console.error('Nothing runs here: node deploy/one-port.mjs run <release> starts it.');
    return 69;
  }
  socket.write(`${release}\n`);
  let code = 69;
  for await (const line of createInterface({ input: socket })) {
    const told = JSON.parse(line);
    if (told.say !== undefined) console.error(told.say);
    if (told.code !== undefined) ({ code } = told);
  }
  return code;
}

async function run(first) {
  const release = first ?? (await readFile(liveFile, 'utf8').catch(() => '')).trim();
  if (!isName(release) || !existsSync(mainOf(release))) {
    console.error(`Release "${release}" is not in ${releasesFolder}.`);
    return 11;
  }
  // Each process accepts by itself; nothing passes through this one.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const service = { live: undefined, isBusy: false, isEnding: false };
  const { code, why } = await promote(service, release, () => {});
  if (code !== 0) {
    console.error(why);
    return code;
  }
  await rm(control, { force: true });
  const server = createServer((socket) => void take(service, socket)).listen(control);
  await once(server, 'listening');
  console.error(`Release ${release} serves.`);
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => {
      service.isEnding = true;
      service.live?.worker.process.kill('SIGTERM');
      server.close();
    });
  await once(server, 'close');
  await service.live?.ended;
  return 0;
}

async function take(service, socket) {
  const tell = (what) => socket.write(`${JSON.stringify(what)}\n`);
  socket.on('error', () => {});
  const [line] = await once(createInterface({ input: socket }), 'line');
  if (service.isBusy) tell({ say: 'Another deploy is under way.', code: 75 });
  else {
    service.isBusy = true;
    const { code, why } = await promote(service, line, (say) => tell({ say }));
    service.isBusy = false;
    tell({ say: why, code });
  }
  socket.end();
}

/** Starts a release beside the one that serves, and lets it take over. The former one is only asked to leave by one that is well. */
async function promote(service, release, say) {
  if (!isName(release) || !existsSync(mainOf(release)))
    return { code: 11, why: `There is no release "${release}"; nothing was changed.` };
  const former = service.live;
  say(`${release} starts${former === undefined ? '' : `, beside ${former.release}`}`);
  const fresh = await start(release);
  const began = await Promise.race([
    fresh.listening.then(() => 'listening'),
    fresh.ended.then(() => 'ended'),
    delay(Number(READY_DEADLINE_S) * 1000, 'late', { ref: false }),
  ]);
  if (began !== 'listening') {
    fresh.worker.process.kill('SIGKILL');
    const why = began === 'late' ? 'it does not get ready' : 'its process ended';
    return { code: 20, why: `Release ${release} was given up: ${why}. Nothing was changed.` };
  }
  say(`${release} accepts; watched for ${HEALTHY_S} s`);
  const died = await Promise.race([
    fresh.ended.then(() => true),
    delay(former === undefined ? 0 : Number(HEALTHY_S) * 1000, false),
  ]);
  if (died) return { code: 31, why: `Release ${release} died; ${former?.release} serves alone.` };
  service.live = fresh;
  void keepUp(service, fresh);
  await writeFile(`${liveFile}.next`, release);
  await rename(`${liveFile}.next`, liveFile);
  if (former !== undefined) {
    say(`${former.release} takes no new connections, hands its sessions over and leaves`);
    former.worker.process.kill('SIGTERM');
    const left = await Promise.race([
      former.ended.then(() => true),
      delay(Number(DRAIN_DEADLINE_S) * 1000, false, { ref: false }),
    ]);
    if (!left) former.worker.process.kill('SIGKILL');
    if (!left) say(`${former.release} did not leave in ${DRAIN_DEADLINE_S} s and was ended`);
  }
  return { code: 0, why: `Release ${release} serves.` };
}

/** Starts a crashed instance again; it is over when it was told to leave or must not start (78). */
async function keepUp(service, instance) {
  for (let current = instance; ;) {
    const exitCode = await current.ended;
    if (service.live !== current || service.isEnding || exitCode === 78) return;
    console.error(`${current.release} ended with ${exitCode}; it is started again.`);
    await delay(1000);
    if (service.live !== current) return;
    current = await start(current.release);
    service.live = current;
  }
}

async function start(release) {
  const settings = Object.fromEntries(
    (await readFile(environmentFile, 'utf8'))
      .split('\n')
      .map((line) => /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line))
      .filter((found) => found !== null)
      .map(([, name, value]) => [name, value]),
  );
  cluster.setupPrimary({ exec: mainOf(release), args: [], cwd: join(releasesFolder, release) });
  const worker = cluster.fork({ ...settings, RELEASE: release });
  return {
    release,
    worker,
    listening: once(worker, 'listening'),
    ended: once(worker, 'exit').then(([code, signal]) => signal ?? code),
  };
}

const [verb, release] = process.argv.slice(2);
if (verb === 'run') process.exit(await run(release));
else if (verb === 'deploy' && release !== undefined) process.exitCode = await deploy(release);
else {
  console.error('node deploy/one-port.mjs run [release] | deploy <release>');
  process.exitCode = 2;
}
