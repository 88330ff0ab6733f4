/** A mail server that keeps what it is sent: as much of SMTP (RFC 5321) as a client that only delivers needs. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

export interface SmtpSink {
  readonly url: string;
  /** Resolves with the next letter. */
  readonly next: () => Promise<Letter>;
  /** Deliveries tried so far, refused ones too. */
  readonly tries: () => number;
  /** Refuses that many deliveries for now, as a busy server does. */
  readonly refuse: (count: number) => void;
  readonly stop: () => Promise<void>;
}

export async function startSmtpSink(): Promise<SmtpSink> {
  const letters: Letter[] = [];
  const waiting: ((letter: Letter) => void)[] = [];
  let refusals = 0;
  let tries = 0;
  const deliver = (letter: Letter): void => {
    const taker = waiting.shift();
    if (taker === undefined) letters.push(letter);
    else taker(letter);
  };
  const isRefused = (): boolean => {
    tries++;
    if (refusals === 0) return false;
    refusals--;
    return true;
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    void converse(socket, deliver, isRefused).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: () =>
      new Promise((resolve) => {
        const letter = letters.shift();
        if (letter === undefined) waiting.push(resolve);
        else resolve(letter);
      }),
    tries: () => tries,
    refuse: (count) => {
      refusals = count;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function converse(
  socket: Socket,
  deliver: (letter: Letter) => void,
  isRefused: () => boolean,
): Promise<void> {
  const say = (line: string): boolean => socket.write(`${line}\r\n`);
  let [from, to] = ['', ''];
  let text: string[] | undefined;
  say('220 sink');
  for await (const line of createInterface({ input: socket })) {
    if (text !== undefined) {
      if (line !== '.') text.push(line);
      else {
        deliver({ from, to, text: decoded(text.join('\n')) });
        text = undefined;
        say('250 kept');
      }
    } else if (line.startsWith('MAIL FROM:')) {
      from = line.slice(10);
      say(isRefused() ? '451 try later' : '250 ok');
    } else if (line.startsWith('RCPT TO:')) {
      to = line.slice(8);
      say('250 ok');
    } else if (line === 'DATA') {
      text = [];
      say('354 go on');
    } else if (line === 'QUIT') {
      say('221 bye');
      socket.end();
    } else say(line.startsWith('AUTH') ? '235 come in' : '250 ok');
  }
}

/** As a mail program reads it: quoted-printable (RFC 2045 §6.7) only where its header says so, else `=B2` of a link is a letter too few. */
function decoded(text: string): string {
  if (!/^Content-Transfer-Encoding: quoted-printable$/im.test(text)) return text;
  return text
    .replaceAll(/=\n/g, '')
    .replaceAll(/=([\dA-F]{2})/g, (_, code: string) => String.fromCodePoint(parseInt(code, 16)));
}
