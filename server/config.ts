/** Environment → Config. Every fault is reported at once, each in one sentence; nothing else in the house reads the environment. */
import { readSettings, type Environment, type SettingsOf } from './read-settings.ts';
import {
  integer,
  list,
  logLevel,
  optionalMetricsAddress,
  optionalRedisUrl,
  optionalSocket,
  optionalText,
  optionalUrl,
  origin,
  outsideService,
  proxies,
  secrets,
  text,
  url,
} from './setting-readers.ts';
import type { LogLevel } from './telemetry/log-settings.ts';

export { ConfigError } from './read-settings.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket to listen on in place of host and port. */
  readonly socketPath: string | undefined;
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  /** The first signs, all prove. */
  readonly secrets: readonly string[];
  readonly publicUrl: string | undefined;
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly connectionsPerOwnerMax: number;
  readonly sessionsPerHourMax: number;
  readonly hashCost: number;
  readonly mailUrl: string | undefined;
  readonly mailFrom: string;
  readonly intervalsUrl: string | undefined;
  readonly logLevel: LogLevel;
  readonly release: string;
  readonly metrics:
    | { readonly host: string; readonly firstPort: number; readonly lastPort: number }
    | undefined;
  /** Path of rolling.sh's audit log. */
  readonly deployLog: string | undefined;
  readonly checkpointMs: number;
  readonly detachedGraceMs: number;
  readonly archiveAfterMs: number;
  readonly abandonedAfterMs: number;
  readonly tombstoneMs: number;
  readonly drainNoticeMs: number;
  readonly drainMovesPerS: number;
  readonly drainGraceMs: number;
}

const tenYearsMs = 315_360_000_000;

type Settings = SettingsOf<Config>;

/** Every variable the server reads. OPERATIONS.md's table is checked against this one. */
export const settings: Settings = {
  host: ['HOST', { help: 'Address to listen on.', fallback: '127.0.0.1', read: text }],
  port: [
    'PORT',
    { help: 'Port to listen on; 0 takes a free one.', fallback: '3000', read: integer(0, 65_535) },
  ],
  socketPath: [
    'LISTEN',
    {
      help: 'Unix socket to listen on, `unix:/path`, in place of `HOST` and `PORT`.',
      fallback: '',
      read: optionalSocket,
    },
  ],
  databaseUrl: [
    'DATABASE_URL',
    { help: 'Postgres.', fallback: undefined, read: url('postgres:', 'postgresql:') },
  ],
  redisUrl: [
    'REDIS_URL',
    {
      help: 'Redis: `redis://`, `redis+sentinel://` or `redis+cluster://`; without it Postgres is the log too.',
      fallback: '',
      read: optionalRedisUrl,
    },
  ],
  secrets: [
    'TRACKSTAND_SECRET',
    {
      help: 'Signs tokens; the same on every instance. Of several, with commas, the first signs and all prove.',
      fallback: undefined,
      read: secrets,
    },
  ],
  publicUrl: [
    'PUBLIC_URL',
    {
      help: 'Where clients reach the service; without it their Host header counts.',
      fallback: '',
      read: optionalUrl('http:', 'https:'),
    },
  ],
  allowedOrigins: [
    'ALLOWED_ORIGINS',
    {
      help: 'Other sites whose pages may use the service: origins, with commas.',
      fallback: '',
      read: list(origin),
    },
  ],
  trustedProxies: [
    'TRUSTED_PROXIES',
    {
      help: 'Addresses and networks whose `X-Forwarded-…` headers count, with commas; or none.',
      fallback: '127.0.0.1,::1',
      read: proxies,
    },
  ],
  connectionsMax: [
    'CONNECTIONS_MAX',
    {
      help: 'Connections of this instance.',
      fallback: '10000',
      read: integer(1, 1_000_000),
    },
  ],
  connectionsPerAddressMax: [
    'CONNECTIONS_PER_ADDRESS_MAX',
    {
      help: 'Connections from one address, or from one /64 of IPv6.',
      fallback: '200',
      read: integer(1, 1_000_000),
    },
  ],
  connectionsPerOwnerMax: [
    'CONNECTIONS_PER_ACCOUNT_MAX',
    {
      help: 'Connections of all sessions of an account to this instance.',
      fallback: '50',
      read: integer(1, 1_000_000),
    },
  ],
  sessionsPerHourMax: [
    'SESSIONS_PER_HOUR_MAX',
    {
      help: 'Sessions an address may begin an hour without an account, and at once.',
      fallback: '120',
      read: integer(1, 1_000_000_000),
    },
  ],
  hashCost: [
    'HASH_COST',
    { help: 'bcrypt’s cost; a step more doubles the time.', fallback: '12', read: integer(4, 20) },
  ],
  mailUrl: [
    'MAIL_URL',
    {
      help: '`smtp://` or `smtps://`; `log:` prints mails to the log; without it nobody registers by mail.',
      fallback: '',
      read: optionalUrl('smtp:', 'smtps:', 'log:'),
    },
  ],
  mailFrom: [
    'MAIL_FROM',
    { help: 'Sender of mails.', fallback: 'Trackstand <trackstand@localhost>', read: text },
  ],
  intervalsUrl: [
    'INTERVALS_URL',
    {
      help: 'Where riders with a key of intervals.icu have their plan from and send rides to, over HTTPS; or none.',
      fallback: 'https://intervals.icu/api/v1',
      read: outsideService,
    },
  ],
  logLevel: [
    'LOG_LEVEL',
    { help: 'debug, info, warn, error or silent.', fallback: 'info', read: logLevel },
  ],
  release: ['RELEASE', { help: 'Name of the running release.', fallback: 'dev', read: text }],
  metrics: [
    'METRICS_LISTEN',
    {
      help: 'Address and ports for Prometheus, such as `127.0.0.1:9464-9467`: the first free one. Not for the outside.',
      fallback: '',
      read: optionalMetricsAddress,
    },
  ],
  deployLog: [
    'DEPLOY_LOG',
    {
      help: 'Audit log of rolling.sh, shown to operators: `/var/lib/trackstand/audit.jsonl`.',
      fallback: '',
      read: optionalText,
    },
  ],
  checkpointMs: [
    'CHECKPOINT_MS',
    {
      help: 'Longest wait of an accepted entry for its checkpoint.',
      fallback: '5000',
      read: integer(10, 60_000),
    },
  ],
  detachedGraceMs: [
    'DETACHED_GRACE_MS',
    {
      help: 'How long a session without connections stays in memory.',
      fallback: '60000',
      read: integer(0, 3_600_000),
    },
  ],
  archiveAfterMs: [
    'ARCHIVE_AFTER_MS',
    {
      help: 'How long nobody is attached to a session that ended before it is archived.',
      fallback: '600000',
      read: integer(100, tenYearsMs),
    },
  ],
  abandonedAfterMs: [
    'ABANDONED_AFTER_MS',
    {
      help: 'How long nobody is attached to a session before it ends as abandoned.',
      fallback: '604800000',
      read: integer(1_000, tenYearsMs),
    },
  ],
  tombstoneMs: [
    'TOMBSTONE_MS',
    {
      help: 'How long it is known what became of a session whose 30 days are over.',
      fallback: '31536000000',
      read: integer(0, tenYearsMs),
    },
  ],
  drainNoticeMs: [
    'DRAIN_NOTICE_MS',
    {
      help: 'How long an instance that leaves serves on, not ready, so that its proxy notices.',
      fallback: '0',
      read: integer(0, 60_000),
    },
  ],
  drainMovesPerS: [
    'DRAIN_MOVES_PER_S',
    {
      help: 'Connections asked to move a second in a drain.',
      fallback: '100',
      read: integer(1, 10_000),
    },
  ],
  drainGraceMs: [
    'DRAIN_GRACE_MS',
    {
      help: 'How long a connection has to move in a drain.',
      fallback: '2000',
      read: integer(0, 600_000),
    },
  ],
};

/** Variables that hold secrets, passwords of stores and of the mail server among them. */
export const secretVariables = [
  settings.secrets,
  settings.databaseUrl,
  settings.redisUrl,
  settings.mailUrl,
].map(([variable]) => variable);

/** Throws ConfigError with every fault there is. */
export function readConfig(environment: Environment): Config {
  return readSettings(settings, environment);
}

/** Where the stores are, for a command that serves nobody. Throws ConfigError. */
export function readStoreConfig(
  environment: Environment,
): Pick<Config, 'databaseUrl' | 'redisUrl'> {
  const { databaseUrl, redisUrl } = settings;
  return readSettings({ databaseUrl, redisUrl }, environment);
}

export function readRelease(environment: Environment): string {
  return readSettings({ release: settings.release }, environment).release;
}
