/** Version 2 of compose: what is installed, or else the next Debian's, unpacked beside the tests and not installed. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { makePrivateFolder } from './private-folder.ts';

/** Debian 12 has version 1 only; the programs of version 2 run on it. */
const script = `
  set -e
  cd "$1"
  mkdir -p lists/partial cache/archives/partial config/cli-plugins
  mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > sources.list
  options="-qq -o Dir::Etc::sourcelist=$1/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$1/lists -o Dir::Cache=$1/cache"
  apt-get $options update && apt-get $options download docker-compose docker-buildx
  for package in *.deb; do dpkg -x "$package" unpacked; done
  mv unpacked/usr/libexec/docker/cli-plugins/* config/cli-plugins/
  rm -rf lists cache unpacked *.deb`;

/** A folder for DOCKER_CONFIG, or why there is none. It goes with this process. */
export async function composeV2(): Promise<{ configFolder: string } | { why: string }> {
  const run = promisify(execFile);
  const installed = await run('docker', ['compose', 'version']).catch(() => undefined);
  if (installed !== undefined) return { configFolder: '' };
  const folder = await makePrivateFolder('compose-v2');
  try {
    await run('sh', ['-c', script, 'sh', folder.path]);
    return { configFolder: `${folder.path}/config` };
  } catch {
    return { why: 'version 2 of compose is not installed and could not be downloaded' };
  }
}
