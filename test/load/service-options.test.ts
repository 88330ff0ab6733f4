import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { serviceOptions } from '../../loadtest/load/child.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.each(['deploy/Dockerfile', 'deploy/systemd/trackstand@.service'])(
  'what is measured is started as %s starts it',
  async (file) => {
    const text = await readFile(join(root, file), 'utf8');
    expect(/NODE_OPTIONS=(\S+)/.exec(text)?.[1]).toBe(serviceOptions.join(' '));
  },
);
