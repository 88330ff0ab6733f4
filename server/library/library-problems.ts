/** What the library answers when it does not do what was asked: RFC 9457 with a stable code. */
import type { FastifyInstance } from 'fastify';

/** Codes never change their meaning. */
export type LibraryProblemCode = 'bad-request' | 'workout-unknown' | 'library-full';

/** Status and title of each. LIBRARY.md's table is checked against this one. */
export const libraryProblems: Readonly<
  Record<LibraryProblemCode, readonly [status: number, title: string]>
> = {
  'bad-request': [400, 'The request is not as the documentation says.'],
  'workout-unknown': [404, 'There is no such workout in your library.'],
  'library-full': [409, 'Your library is full: delete a workout to make room.'],
};

/** A route cannot do what was asked. */
export class LibraryProblemError extends Error {
  override readonly name = 'LibraryProblemError';
  readonly code: LibraryProblemCode;
  readonly detail: string | undefined;

  constructor(code: LibraryProblemCode, detail?: string) {
    super(libraryProblems[code][1]);
    this.code = code;
    this.detail = detail;
  }
}

/** Answers what library routes throw; what is not theirs goes to whoever answers for accounts. */
export function installLibraryProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof LibraryProblemError)) throw error;
    const { code, detail } = error;
    const [status, title] = libraryProblems[code];
    const body = { type: 'about:blank', title, status, code, ...(detail && { detail }) };
    return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
  });
}
