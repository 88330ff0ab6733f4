import { execFile } from 'node:child_process';
/** sshd on machines of their own, and a file of hosts for rolling.sh that leads there. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { RemoteHost } from './remote-host.ts';
import { freePort } from './services/free-port.ts';

export interface SshHosts {
  readonly hostsFile: string;
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** Ends every connection to a host with -9; nobody listens there until `listen`. */
  cut(index: number): Promise<void>;
  listen(index: number): Promise<void>;
}

const names = ['one', 'two'];

export async function startSshHosts(
  folder: string,
  hosts: readonly RemoteHost[],
): Promise<SshHosts> {
  const at = (name: string): string => join(folder, name);
  await mkdir(folder, { recursive: true });
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('key')]);
  const key = await readFile(at('key.pub'), 'utf8');
  const known: string[] = [];
  const config: string[] = [];
  const listen = async (index: number): Promise<void> => {
    await hosts[index]?.machine.run('/usr/sbin/sshd', '-f', '/etc/ssh/test_config');
  };
  for (const [index, { machine }] of hosts.entries()) {
    const port = await freePort();
    await machine.run(
      'sh',
      '-c',
      'mkdir -p /run/sshd && rm -f /etc/ssh/ssh_host_* && ssh-keygen -A',
    );
    await machine.write('/etc/ssh/test_keys', key, 0o600);
    await machine.write(
      '/etc/ssh/test_config',
      `ListenAddress 127.0.0.1:${port}\nPidFile /run/sshd.pid\nUsePAM no\nPermitRootLogin prohibit-password\nAuthorizedKeysFile /etc/ssh/test_keys\nStrictModes no\n`,
    );
    await listen(index);
    const hostKey = await readFile(machine.at('/etc/ssh/ssh_host_ed25519_key.pub'), 'utf8');
    known.push(`[127.0.0.1]:${port} ${hostKey.split(' ').slice(0, 2).join(' ')}`);
    config.push(
      `Host ${names[index]}\n  HostName 127.0.0.1\n  Port ${port}\n  User root\n  IdentityFile ${at('key')}\n  UserKnownHostsFile ${at('known_hosts')}\n`,
    );
  }
  await writeFile(at('known_hosts'), `${known.join('\n')}\n`);
  await writeFile(at('ssh_config'), config.join(''));
  await writeFile(
    at('hosts'),
    hosts.map((_, index) => `${names[index]} ${names[index]} /opt/trackstand/deploy\n`).join(''),
  );
  return {
    hostsFile: at('hosts'),
    sshConfig: at('ssh_config'),
    knownHosts: at('known_hosts'),
    listen,
    cut: async (index) => {
      // Of that machine alone: it sees no other's processes.
      await hosts[index]?.machine.run('pkill', '-9', 'sshd');
    },
  };
}
