/** A page that takes its time: what is under way when an instance leaves must be answered too. Code that runs in an instance before it. */

/** Milliseconds until the answer. */
const slowMs = 1_000;

export const slowPath = '/slow';

export const slowPage = `{
  const { Server } = await import('node:http');
  const { emit } = Server.prototype;
  Server.prototype.emit = function (name, request, response) {
    if (name !== 'request' || request.url !== '${slowPath}') return Reflect.apply(emit, this, arguments);
    setTimeout(() => response.end('at last'), ${slowMs});
    return true;
  };
}
`;
