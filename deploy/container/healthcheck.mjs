/** Whether the instance of this container is ready, or stands by as it should. Plain JS and no packages: it runs often. */
import { existsSync } from 'node:fs';
import { get } from 'node:http';

const { LISTEN = '', PORT = '3000' } = process.env;
const where = LISTEN.startsWith('unix:')
  ? { socketPath: LISTEN.slice('unix:'.length) }
  : { host: '127.0.0.1', port: Number(PORT) };

if (existsSync('/tmp/stands-by')) process.exit(0);
const request = get({ ...where, path: '/readyz', timeout: 2_000 }, (response) => {
  response.resume();
  process.exit(response.statusCode === 200 ? 0 : 1);
});
request.on('timeout', () => process.exit(1));
request.on('error', () => process.exit(1));
