/** The floor plan: who may import whom. Type imports count, because rooms that only share types grow together all the same. */

const allow = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: [...to, '^node_modules/'], dependencyTypesNot: ['core'] },
});
const onlyIn = (npm, rooms) => ({
  name: `${npm}-has-one-door`,
  comment: `${npm} enters the house in one place`,
  severity: 'error',
  from: { path: '^(server|client|shared|loadtest)/', pathNot: rooms },
  to: { path: `^node_modules/(@types/)?${npm}/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphan-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'browser-code-without-node',
      comment: 'shared/ and client/ run in a browser',
      severity: 'error',
      from: { path: '^(shared|client)/' },
      to: { dependencyTypes: ['core'] },
    },
    allow(
      'shared',
      '^shared/',
      ['^shared/'],
      'shared/ is what both sides agree on; it leans on nobody',
    ),
    allow(
      'protocol',
      '^shared/protocol/',
      ['^shared/protocol/', '^shared/[^/]+\\.ts$'],
      'the wire knows no session kind',
    ),
    allow(
      'workout',
      '^shared/workout/',
      ['^shared/workout/', '^shared/session/session-model\\.ts$'],
      'a session kind sees the public face only',
    ),
    allow('client', '^client/', ['^client/', '^shared/'], 'the client never sees the server'),
    allow(
      'client-core',
      '^client/[^/]+\\.ts$',
      ['^client/[^/]+\\.ts$', '^shared/(?!workout/)'],
      'the library knows no session kind',
    ),
    allow(
      'client-app',
      '^client/app/',
      [
        '^client/app/',
        '^client/(connect|indexed-db-storage|session-storage|status)\\.ts$',
        '^shared/workout/',
        '^shared/clock\\.ts$',
      ],
      'the app uses the public face only',
    ),
    allow('server', '^server/', ['^server/', '^shared/'], 'the server never sees the client'),
    allow(
      'session',
      '^server/session/',
      ['^server/session/', '^server/store/(journal|journals)\\.ts$', '^shared/(?!workout/)'],
      'sessions know ports, no stores, sockets or kinds',
    ),
    allow(
      'store',
      '^server/store/',
      ['^server/store/', '^shared/(?!workout/)'],
      'stores know nobody above them',
    ),
    allow(
      'gateway',
      '^server/gateway/',
      [
        '^server/gateway/',
        '^server/admission/',
        '^server/session/',
        '^server/store/journal\\.ts$',
        '^shared/(?!workout/)',
      ],
      'the gateway knows sessions, and of stores only that they can be away',
    ),
    allow(
      'http',
      '^server/http/',
      [
        '^server/http/',
        '^server/(admission|auth|session|lifecycle)/',
        '^server/store/journal\\.ts$',
        '^shared/(?!workout/)',
      ],
      'routes know no sockets and no concrete store',
    ),
    allow(
      'admission',
      '^server/admission/',
      ['^server/admission/', '^shared/(?!workout/)'],
      'who gets in is decided without knowing what is inside',
    ),
    allow('auth', '^server/auth/', ['^server/auth/', '^shared/(?!workout/)'], 'proofs know nobody'),
    allow(
      'lifecycle',
      '^server/lifecycle/',
      ['^server/lifecycle/', '^server/(gateway|session)/', '^shared/(?!workout/)'],
      'leaving needs those who must be asked to leave',
    ),
    allow(
      'cli',
      '^server/cli/',
      [
        '^server/cli/',
        '^server/session/',
        '^server/store/(journal|schema-catalog|open-stores)\\.ts$',
        '^server/config\\.ts$',
        '^shared/(?!workout/)',
      ],
      'commands work on stores and sessions, and serve nobody',
    ),
    allow('telemetry', '^server/telemetry/', ['^server/telemetry/'], 'telemetry knows nobody'),
    allow(
      'server-app',
      '^server/app/',
      [
        '^server/app/',
        '^server/(trackstand|config)\\.ts$',
        '^server/cli/run-cli\\.ts$',
        '^server/telemetry/log-settings\\.ts$',
        '^shared/workout/',
      ],
      'the app uses the public face only',
    ),
    allow(
      'loadtest',
      '^loadtest/',
      ['^loadtest/', '^client/', '^shared/', '^deploy/local/'],
      'riders are real clients, of a service like any other',
    ),
    {
      name: 'nobody-imports-tests',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    onlyIn('ioredis', ['^server/store/(redis/|open-stores\\.ts)', '^loadtest/']),
    onlyIn('pg', ['^server/store/(postgres/|open-stores\\.ts)', '^loadtest/']),
    onlyIn('ws', ['^server/gateway/', '^loadtest/']),
    onlyIn('fastify', ['^server/(gateway|http|app)/', '^server/trackstand\\.ts$']),
    onlyIn('@fastify', ['^server/(gateway|app)/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
