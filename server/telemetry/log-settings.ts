/** How this service logs: one JSON object a line, with everything secret taken out. */

/** Paths that never reach a log line, whoever logs them. */
const secretPaths = [
  'req.headers.authorization',
  'req.headers.cookie',
  'headers.authorization',
  'headers.cookie',
  'token',
  '*.token',
  'resume_url',
  '*.resume_url',
  'password',
  '*.password',
  'new_password',
  '*.new_password',
  'access_token',
  '*.access_token',
  'refresh_token',
  '*.refresh_token',
  'res.headers["set-cookie"]',
];

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Settings for Fastify's pino logger. */
export function logSettings(level: LogLevel) {
  return {
    level,
    redact: { paths: secretPaths, censor: '[secret]' },
    serializers: {
      // The path alone: no query, no headers. Nothing secret stands in a path. [A1]
      req: (request: { method: string; url: string }) => ({
        method: request.method,
        path: request.url.split('?')[0],
      }),
    },
  };
}
