/** The routes of the app that is fuzzed. */
import { buildApp } from '../../server/app/build-app.ts';
import { readConfig } from '../../server/config.ts';
import { withRoutes, type Route } from './route-list.ts';

export async function listRoutes(stores: {
  readonly postgres: string;
  readonly redis: string;
}): Promise<readonly Route[]> {
  const config = readConfig({
    DATABASE_URL: stores.postgres,
    REDIS_URL: stores.redis,
    TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
    LOG_LEVEL: 'silent',
  });
  const { app, routes } = await withRoutes(() => buildApp(config, undefined));
  await app.close();
  return routes;
}
