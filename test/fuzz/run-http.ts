/** Sends one request, or bytes that are hardly one, and judges the answer. */
import { once } from 'node:events';
import { request, type Agent, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';

import { systemClock } from '../../shared/clock.ts';
import { accountRoute, problemWithStatus, type Documented } from './documented.ts';
import type { HttpCase, RawCase } from './http-inputs.ts';
import { routeOf, type Route } from './route-list.ts';
import type { Outcome } from './run-wire.ts';
import { seated, type Seat } from './seat.ts';

/** Milliseconds for an answer on a busy machine: longer than a server may wait for the rest of a request. */
const answerMaxMs = 40_000;

export interface Target {
  readonly url: string;
  readonly agent: Agent;
  readonly documented: Documented;
  /** Whose answers are counted. */
  readonly routes: readonly Route[];
}

export async function runHttp(
  { url, agent, documented, routes }: Target,
  seat: Seat,
  input: HttpCase,
): Promise<Outcome> {
  try {
    const response = await ask(url, agent, input, seat);
    const text = await textOf(response);
    const { statusCode: status = 0, headers } = response;
    // Outside of /v1 there is the page, and files that are not there.
    const isPage =
      status < 500 &&
      !/^\/v1(\/|$|\?)/.test(input.path) &&
      !/problem/.test(headers['content-type'] ?? '');
    if (isPage) return { inputCount: 1 };
    const route = accountRoute(documented, input.method, input.path);
    const known = route === undefined ? documented.problems : documented.accounts.problems;
    const code = input.method === 'HEAD' ? known.get(status)?.[0] : codeIn(text);
    const answer = { status, code, retryAfter: headers['retry-after'] };
    const problem = problemWithStatus(documented, answer, route);
    const name = routeOf(routes, input.method, input.path);
    return { inputCount: 1, problem, ...(name !== undefined && { answer: `${name} ${status}` }) };
  } catch (error) {
    return { inputCount: 1, problem: error instanceof Error ? error.message : String(error) };
  }
}

function ask(url: string, agent: Agent, input: HttpCase, seat: Seat): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url);
  const { method, headers, base64 } = input;
  // Each byte stays the byte it is, whatever text it may be of.
  const text = Buffer.from(base64, 'base64').toString('latin1');
  const body = Buffer.from(seated(text, seat, url), 'latin1');
  const filled = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, seated(value, seat, url)]),
  );
  return new Promise((resolve, reject) => {
    const path = encodeURI(seated(input.path, seat, url)).replaceAll('%25', '%') || '/';
    const sent = request(
      {
        hostname,
        port,
        agent,
        method,
        path,
        headers: { ...filled, 'content-length': body.length },
      },
      resolve,
    );
    sent.setTimeout(answerMaxMs, () => sent.destroy(new Error('no answer')));
    sent.on('error', reject);
    sent.end(body);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function codeIn(text: string): string | undefined {
  return /"code":"([a-z-]+)"/.exec(text)?.[1];
}

/** Bytes, and then the end of what this side sends: nothing more will come, so the answer need not wait for it. */
export async function runRaw(
  { url, documented }: Target,
  seat: Seat,
  { base64 }: RawCase,
): Promise<Outcome> {
  const text = seated(Buffer.from(base64, 'base64').toString('latin1'), seat, url);
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => socket.end());
  // A reset is an end too.
  socket.on('error', () => {});
  const closed = once(socket, 'close').then(() => 'closed' as const);
  socket.end(Buffer.from(text, 'latin1'));
  let cancel = (): void => {};
  const late = new Promise<'late'>((resolve) => {
    cancel = systemClock.after(answerMaxMs, () => resolve('late'));
  });
  const end = await Promise.race([closed, late]);
  cancel();
  socket.destroy();
  if (end === 'late')
    return { inputCount: 1, problem: 'the connection is neither answered nor closed' };
  return {
    inputCount: 1,
    problem: problemInAnswers(Buffer.concat(chunks).toString('latin1'), text, documented),
  };
}

/** What is no HTTP or no handshake of RFC 6455 is answered before anything of ours sees it. [P1] */
const bareStatuses = new Set([400, 405, 417, 426]);

/** Outside of /v1 there may be nothing. */
const isPlainAbsence = (answer: string): boolean =>
  answer.startsWith('HTTP/1.1 404 ') && answer.endsWith('There is nothing here.');

/** What was sent may have been several requests, and what came then is several answers. */
function problemInAnswers(text: string, asked: string, documented: Documented): string | undefined {
  const hasHead = /\bHEAD\b/.test(asked);
  const answers = text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((part) => part.startsWith('HTTP/1.1 '));
  return answers
    .filter((answer) => {
      const isBare = codeIn(answer) === undefined;
      const status = Number(answer.slice(9, 12));
      return !isBare || !(hasHead || bareStatuses.has(status) || isPlainAbsence(answer));
    })
    .map((answer) => {
      const told = {
        status: Number(answer.slice(9, 12)),
        code: codeIn(answer),
        retryAfter: /^retry-after: (\d+)/im.exec(answer)?.[1],
      };
      // Which route the bytes came to nobody knows any more: one of the two pages must have the answer.
      const [problem, ofAccounts] = [undefined, 'an account route'].map((route) =>
        problemWithStatus(documented, told, route),
      );
      return told.status >= 400 && ofAccounts === undefined ? undefined : problem;
    })
    .find((problem) => problem !== undefined);
}
