/** A small server that speaks what is documented of the API of intervals.icu, and can get into trouble when asked to. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StandInRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authorization: string | undefined;
}

export interface StandInActivity {
  readonly id: string;
  readonly name: string;
  readonly external_id: string;
  readonly day: string;
  readonly file: Buffer;
}

/** Answers in the place of the API. */
export type Trouble = (request: IncomingMessage, response: ServerResponse) => void;

export interface IntervalsStandIn {
  /** What `INTERVALS_URL` is. */
  readonly url: string;
  readonly requests: readonly StandInRequest[];
  readonly activities: readonly StandInActivity[];
  /** What the calendar holds, with whatever a test wants to have in it. */
  plan(events: readonly object[]): void;
  /** The day of what is uploaded from then on, in the place of looking into the file; this device's own day at first. */
  ridesOn(day: string): void;
  /** Until it is told `undefined`. */
  meets(trouble: Trouble | undefined): void;
  stop(): Promise<void>;
}

/** Of the athlete `i12345`. */
export const goodKey = 'a1b2c3d4e5f6g7h8i9j0k1l2m';

/** An event as the calendar has it: with a workout file, when one is given. */
export function plannedEvent(id: number, day: string, name: string, zwo?: string): object {
  return {
    id,
    name,
    category: 'WORKOUT',
    type: 'Ride',
    start_date_local: `${day}T00:00:00`,
    ...(zwo !== undefined && {
      workout_filename: `${name}.zwo`,
      workout_file_base64: Buffer.from(zwo).toString('base64'),
    }),
  };
}

export async function startIntervalsStandIn(): Promise<IntervalsStandIn> {
  const requests: StandInRequest[] = [];
  const activities: StandInActivity[] = [];
  let events: readonly object[] = [];
  let trouble: Trouble | undefined;
  let day = new Date().toLocaleDateString('sv-SE');
  const upload = async (request: IncomingMessage, query: URLSearchParams, bytes: Buffer) => {
    const file = await fileIn(request.headers['content-type'] ?? '', bytes);
    const hash = hashOf(file);
    const known = activities.find((activity) => hashOf(activity.file) === hash);
    const id = known?.id ?? `i${1_000 + activities.length}`;
    const external_id = query.get('external_id') ?? '';
    if (known === undefined)
      activities.push({ id, name: query.get('name') ?? '', external_id, day, file });
    return { status: known === undefined ? 201 : 200, body: { icu_athlete_id: 'i12345', id } };
  };
  const answer = async (request: IncomingMessage, bytes: Buffer): Promise<Answered> => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://stand-in');
    if (request.headers.authorization !== basic(goodKey)) return refused;
    const [, id, rest = ''] = /^\/api\/v1\/athlete\/(\w+)(\/\w+)?$/.exec(pathname) ?? [];
    if (id !== '0' && id !== 'i12345') return { status: id === 'i9' ? 404 : 403, body: {} };
    if (request.method === 'POST') return upload(request, searchParams, bytes);
    if (rest === '/events') return { status: 200, body: events };
    if (rest === '/activities') return { status: 200, body: between(activities, searchParams) };
    return { status: 200, body: { id: 'i12345', name: 'Ada', email: 'ada@example.com' } };
  };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, path: url, authorization: headers.authorization });
    if (trouble !== undefined) return trouble(request, response);
    void bytesOf(request)
      .then((bytes) => answer(request, bytes))
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`,
    requests,
    activities,
    plan: (planned) => {
      events = planned;
    },
    ridesOn: (next) => {
      day = next;
    },
    meets: (next) => {
      trouble = next;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Answered {
  readonly status: number;
  readonly body: object;
}

const refused: Answered = { status: 403, body: { status: 403, error: 'Access denied' } };

export const basic = (key: string): string =>
  `Basic ${Buffer.from(`API_KEY:${key}`).toString('base64')}`;

/** Some of what an activity has. One that came from Strava has next to nothing. */
const listed = ({ id, name, external_id }: StandInActivity): object => ({
  id,
  name,
  external_id,
  type: 'VirtualRide',
  icu_training_load: 51,
});

const between = (activities: readonly StandInActivity[], days: URLSearchParams): object[] =>
  activities
    .filter(({ day }) => (days.get('oldest') ?? '') <= day && day <= (days.get('newest') ?? ''))
    .map(listed);

const hashOf = (file: Buffer): string => createHash('sha256').update(file).digest('hex');

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function fileIn(contentType: string, bytes: Buffer): Promise<Buffer> {
  const form = new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } });
  const file = (await form.formData()).get('file');
  return file instanceof File ? Buffer.from(await file.arrayBuffer()) : Buffer.alloc(0);
}
