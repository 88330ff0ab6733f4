/** Ends our children should we be killed with -9, so that the next start finds no port and no lock held by the dead. */
import { spawn } from 'node:child_process';

/** Reads `+ pid` and `- pid`, one a line; at the end of its input, which is our end, it kills what is left. */
const script = `
  pids=' '
  while read -r sign pid; do
    case $sign in
      +) pids="$pids$pid " ;;
      -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
    esac
  done
  for pid in $pids; do kill -9 "$pid"; done
`;

export interface OrphanGuard {
  /** From now on the process does not outlive this one. */
  add(pid: number): void;
  /** The process has ended; its pid may soon be somebody else's. */
  remove(pid: number): void;
}

/** Starts the guard, a shell that waits. It ends with this process. */
export function startOrphanGuard(): OrphanGuard {
  // In a session of its own, beyond the reach of Ctrl-C in the terminal.
  const guard = spawn('sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  guard.unref();
  return {
    add: (pid) => void guard.stdin.write(`+ ${pid}\n`),
    remove: (pid) => void guard.stdin.write(`- ${pid}\n`),
  };
}
