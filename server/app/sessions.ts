/** The operator's commands of the workout app's service: `node dist/server/sessions.js schema status`. */
import { workout } from '../../shared/workout/workout.ts';
import { runCli } from '../cli/run-cli.ts';

process.exitCode = await runCli({
  sessions: [workout],
  argv: process.argv.slice(2),
  environment: process.env,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
});
