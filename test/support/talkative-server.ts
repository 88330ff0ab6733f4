/** The built server as a process whose every word is kept: log, stderr, and the report Node writes when it crashes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { WebSocket } from 'ws';

import { freePort } from './services/free-port.ts';
import { makePrivateFolder } from './services/private-folder.ts';
import { builtFile } from './services/shared-services.ts';

export interface TalkativeServer {
  readonly url: string;
  /** Throws in it where nobody catches, and waits for its end. */
  crash(): Promise<void>;
  /** All it ever wrote. */
  words(): Promise<string>;
  stop(): Promise<void>;
}

export async function startTalkativeServer(
  env: Readonly<Record<string, string>>,
): Promise<TalkativeServer> {
  const main = await builtFile('server/main');
  const folder = await makePrivateFolder('talkative');
  const port = await freePort();
  const args = [
    '--inspect=127.0.0.1:0',
    '--report-uncaught-exception',
    `--report-directory=${folder.path}`,
    main,
  ];
  const child = spawn(process.execPath, args, {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'debug',
      ...env,
    },
  });
  folder.guard(child.pid);
  const lines: string[] = [];
  const ended = once(child, 'close');
  const inspector = new Promise<string>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      const url = /^Debugger listening on (ws:\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const listening = new Promise<'listening'>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (/listening/i.test(line)) resolve('listening');
    });
  });
  if ((await Promise.race([listening, ended])) !== 'listening') throw new Error(lines.join('\n'));
  return {
    url: `http://127.0.0.1:${port}`,
    crash: async () => {
      const socket = new WebSocket(await inspector);
      socket.on('error', () => {});
      await once(socket, 'open');
      const expression = 'setTimeout(() => { throw new Error("a crash") })';
      socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
      // With a debugger attached the process would wait for it.
      await once(socket, 'message');
      socket.terminate();
      await ended;
    },
    words: async () => {
      const reports = (await readdir(folder.path)).filter((name) => name.startsWith('report'));
      const texts = await Promise.all(
        reports.map((name) => readFile(join(folder.path, name), 'utf8')),
      );
      return [...lines, ...texts].join('\n');
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await folder.remove();
    },
  };
}
