/** Every route of the app, from the app itself: a new one is fuzzed, and must have its rule of access, without being named here. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { FastifyInstance } from 'fastify';

import type { AnySchema } from './schema-arbitrary.ts';

export interface Route {
  readonly method: string;
  readonly url: string;
  /** Schema of its body, when the route tells it as `config: { body }`. */
  readonly body?: AnySchema | undefined;
}

const channel = 'fastify.initialization';

/** Builds an app, and returns it with the routes it got. */
export async function withRoutes<App extends FastifyInstance>(
  build: () => Promise<App>,
): Promise<{ readonly app: App; readonly routes: readonly Route[] }> {
  const routes: Route[] = [];
  const listen = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url, config }) => {
      const { body } = (config ?? {}) as { readonly body?: AnySchema };
      for (const each of [method].flat()) routes.push({ method: each, url, body });
    });
  };
  subscribe(channel, listen);
  try {
    const app = await build();
    await app.ready();
    return { app, routes };
  } finally {
    unsubscribe(channel, listen);
  }
}

/** Routes of the interface that a request can be told to have gone to. */
export const nameable = (routes: readonly Route[]): readonly Route[] =>
  routes.filter(({ url }) => url.startsWith('/v1/') && !url.includes('*'));

/** The route a request went to, as `METHOD /path/:id`; undefined when it was none of these. */
export function routeOf(
  routes: readonly Route[],
  method: string,
  path: string,
): string | undefined {
  const [place = ''] = path.split('?');
  const found = nameable(routes).find((route) => {
    const form = new RegExp(`^${route.url.replaceAll(/:\w+/g, '[^/]*')}$`);
    return route.method === method && form.test(place);
  });
  return found === undefined ? undefined : `${method} ${found.url}`;
}
