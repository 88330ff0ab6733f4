/** Bugs planted into the product's own source, one line each; those around it are in `mutants.ts`. */
import type { Mutant } from './tampering.ts';

const planted = (
  invariants: Mutant['invariants'],
  file: string,
  from: string,
  to: string,
): Mutant => ({ invariants, edits: [{ file, from, to }] });

export const sourceMutants: Readonly<Record<string, Mutant>> = {
  'no mailbox: inputs of a session do not wait for each other': planted(
    [1, 4],
    'server/session/session-host.ts',
    `this.#mailbox.push(input);
    if (!this.#isRunning) this.#running = this.#run();`,
    `this.#mailbox.push(input);
    this.#running = this.#run();`,
  ),
  'the registry opens a session twice': planted(
    [3, 4],
    'server/session/session-registry.ts',
    'this.#openings.get(sessionId) ?? ',
    '',
  ),
  'a checkpoint that has failed for minutes counts as done': {
    ...planted(
      [2],
      'server/session/session-saver.ts',
      "if (error instanceof StoreUnavailableError) return 'unavailable';",
      "if (error instanceof StoreUnavailableError) return --this.#plainLeft < -200 ? (this.markSaved(at), 'saved') : 'unavailable';",
    ),
    firstSeed: 200,
  },
  'a stale Redis is preferred to Postgres': {
    invariants: [1, 2, 6],
    edits: [
      {
        file: 'server/session/reconcile.ts',
        from: '    savedCount <= entries.length &&\n    redis.isContinuous &&\n',
        to: '',
      },
    ],
  },
  'what is taken over after a rollback may be there already': planted(
    [1, 6],
    'server/session/reconcile.ts',
    'add({ ...entry, offset, writer });\n',
    'add({ ...entry, offset, writer });\n    else if (accepted !== undefined) add({ ...entry, seq: accepted + 1, offset, writer });\n',
  ),
  'a device does not notice that its storage is a copy': planted(
    [1],
    'client/outbox.ts',
    'firstDivergence(welcome, (seq) => hashAt(outbox, seq))',
    'firstDivergence(welcome, () => undefined)',
  ),
  'a token passes unproven': planted(
    [12],
    'server/auth/resume-tokens.ts',
    'keys.isSigned(signedText(sessionId, clientId, generation), signature)',
    'true',
  ),
  'a token of another session passes': planted(
    [12],
    'server/auth/resume-tokens.ts',
    'resume:${sessionId}:${clientId}',
    'resume:${clientId}',
  ),
  'a token of another client passes': planted(
    [12],
    'server/auth/resume-tokens.ts',
    'resume:${sessionId}:${clientId}',
    'resume:${sessionId}',
  ),
  'a retired token is served': {
    invariants: [12],
    edits: [
      {
        file: 'server/session/session.ts',
        from: 'if (generation < proven) {',
        to: 'if (generation < 0) {',
      },
      {
        file: 'server/session/session.ts',
        from: "if (answer.kind !== 'joined') return answer;",
        to: 'return answer;',
      },
    ],
  },
  'a session is opened before the token is proven': planted(
    [12],
    'server/gateway/connection.ts',
    'const generation = this.#prove(hello);',
    'void this.#parts.registry.find(this.sessionId, undefined).catch(() => {}); const generation = this.#prove(hello);',
  ),
  'a session is put away although Postgres has not got all of it': planted(
    [2],
    'server/session/caretaker.ts',
    'await new SessionSaver(session, journals).save(snapshot, new Tail(recent))',
    "'clean'",
  ),
  "the time of a command is whatever the device's clock says": {
    invariants: [1],
    edits: [
      { file: 'client/outbox.ts', from: 'Math.max(atMs, formerMs)', to: 'atMs' },
      { file: 'shared/session/fold.ts', from: 'Math.max(command[2], atMs)', to: 'command[2]' },
    ],
  },
  "the server's time of day is trusted for what is due": {
    invariants: ['liveness'],
    edits: [
      {
        file: 'server/session/session-registry.ts',
        from: 'this.#parts.clock.elapsedMs()',
        to: 'this.#parts.clock.nowMs()',
      },
    ],
  },
  'checkpointed is told above accepted': {
    invariants: [2],
    edits: [
      {
        file: 'server/session/audience.ts',
        from: 'accepted: acceptedSeq(snapshot,',
        to: 'accepted: acceptedSeq(saved,',
      },
      {
        file: 'server/session/audience.ts',
        from: 'checkpointed: acceptedSeq(saved,',
        to: 'checkpointed: acceptedSeq(snapshot,',
      },
    ],
  },
  'a fenced owner goes on as if its entries had landed': planted(
    [4],
    'server/session/session-host.ts',
    "if (result !== 'appended' && result !== 'put-off') return",
    "if (result !== 'appended' && result !== 'put-off' && result !== 'fenced') return",
  ),
  'a fenced owner stays with those who are attached': planted(
    [4],
    'server/session/session-host.ts',
    "if (result !== 'fenced') await this.flush();",
    "if (result === 'fenced') return; await this.flush();",
  ),
  'whoever joins without an entry is welcomed without a question to the log': {
    ...planted(
      [4],
      'server/session/append-step.ts',
      'await log.confirm(at.offset, isWanted)',
      "await Promise.resolve<StepResult>(isWanted() ? 'appended' : 'behind')",
    ),
    firstSeed: 91_781,
  },
  'Postgres is never asked who the owner is': planted(
    [4, 6],
    'server/session/session-log.ts',
    'return orUnavailable(this.#journals.checkpoints.confirm({ sessionId, ownerId, epoch, head }));',
    "return Promise.resolve('appended');",
  ),
  'a client that saw a later epoch is let in like any other': planted(
    [5, 6],
    'server/session/session-host.ts',
    'if (sawLater(sighting, this.#session.epoch, this.#snapshot)) await this.#ownership.prove();',
    '',
  ),
  'Redis is seeded anew over entries that Postgres has not got': planted(
    [6],
    'server/session/open-session.ts',
    'if (hasIt && !startsEpoch) {',
    'if (hasIt && target.term < 0) {',
  ),
  'what is taken over from a former life does not keep its outcome': planted(
    [8],
    'server/session/reconcile.ts',
    'add({ ...entry, offset, writer });\n',
    "add({ ...entry, events: undefined, refused: 'decided-again', offset, writer });\n",
  ),
  'a token is retired although nobody has shown its successor': {
    invariants: [12],
    edits: [
      {
        file: 'server/session/session.ts',
        from: 'incarnation, generation };\n',
        to: 'incarnation, generation: generation + 1 };\n',
      },
      {
        file: 'server/session/session.ts',
        from: "if (answer.kind !== 'joined') return answer;",
        to: 'return answer;',
      },
    ],
  },
};
