/** The services of this test run, with a place in them that no other test file uses. */
import { randomBytes } from 'node:crypto';

import { Redis } from 'ioredis';
import { Client } from 'pg';
import { inject } from 'vitest';

/** A database, schema or number of its own in a shared service. */
export interface SharedPlace {
  readonly url: string;
}

/** An empty numbered database of the shared Redis. Channels and `flushall` reach beyond it: those tests start their own. */
export async function freshRedis(): Promise<SharedPlace> {
  const url = await askFor('redis');
  const redis = new Redis(url);
  // The counter lives in number 0, which nobody gets.
  const number = await redis.incr('last-number');
  redis.disconnect();
  return { url: `${url}/${number}` };
}

/** An empty database of the shared, real Postgres. */
export async function freshPostgres(): Promise<SharedPlace> {
  const url = new URL(await askFor('postgres'));
  const name = freshName();
  await run(url.href, `create database ${name}`);
  url.pathname = `/${name}`;
  return { url: url.href };
}

/** An empty schema of the shared PGlite, whose connections find it by `search_path`. A transaction there holds up every other. */
export async function freshPglite(): Promise<SharedPlace> {
  const url = new URL(await askFor('pglite'));
  const name = freshName();
  await run(url.href, `create schema ${name}`);
  url.searchParams.set('options', `-c search_path=${name}`);
  return { url: url.href };
}

/** A container engine with the stand-ins; its containers and images are named `trackstand-test…`. */
export async function sharedEngine(): Promise<SharedPlace> {
  return { url: await askFor('docker') };
}

/**
 * Builds once per run and returns the absolute path: `builtFile('server/main')` is `…/dist/server/main.js`,
 * `builtFile('app')` the folder of the browser app. Throws the bundler's message when sources do not build.
 */
export async function builtFile(name: string): Promise<string> {
  return askFor(`dist/${name}`);
}

function freshName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

async function askFor(name: string): Promise<string> {
  const response = await fetch(new URL(name, inject('sharedServicesUrl')));
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
