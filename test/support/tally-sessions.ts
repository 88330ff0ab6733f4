/** The commands of a service with the newer tally, as a process that can be killed. */
import { runCli } from '../../server/cli/run-cli.ts';
import { tallyTwo } from './tally-two.ts';

process.exitCode = await runCli({
  sessions: [tallyTwo],
  argv: process.argv.slice(2),
  environment: process.env,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
});
