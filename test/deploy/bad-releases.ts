/** Code that a bad release runs before the real server. */
export const badReleases = {
  exits: `setTimeout(() => process.exit(1), 3_000);`,
  hangs: `setInterval(() => {}, 1_000); await new Promise(() => {});`,
  errs: `
    import { Server } from 'node:http';
    const emit = Server.prototype.emit;
    let count = 0;
    Server.prototype.emit = function (name, request, response) {
      if (name === 'request' && request.url === '/' && ++count % 50 === 0) {
        response.writeHead(500).end();
        return true;
      }
      return Reflect.apply(emit, this, arguments);
    };`,
  slow: `
    import { Server } from 'node:http';
    const emit = Server.prototype.emit;
    Server.prototype.emit = function (name, request) {
      if (name !== 'request' || request.url !== '/') return Reflect.apply(emit, this, arguments);
      setTimeout(() => Reflect.apply(emit, this, arguments), 500);
      return true;
    };`,
};
