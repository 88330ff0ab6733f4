/** A page of React components over a session of the library, whose service is out of reach. Runs in a browser. */
import { createElement, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';

import { connect } from '../../client/connect.ts';
import { useSession } from '../../client/react.ts';
import { memoryStorage } from '../../client/session-storage.ts';
import { genesis } from '../../shared/session/fold.ts';
import { stored } from '../support/client-harness.ts';
import { scriptedSockets } from '../support/scripted-socket.ts';
import { tally } from '../support/tally.ts';

const storage = memoryStorage();
await storage.save({ ...stored, snapshot: genesis(tally, { bound: 1_000 }) });
const session = await connect({ session: tally, storage, WebSocket: scriptedSockets().WebSocket });

let listening = 0;
const watched: typeof session = {
  ...session,
  subscribe: (listener) => {
    const stop = session.subscribe(listener);
    listening += 1;
    return () => {
      listening -= 1;
      stop();
    };
  },
};
const rendered = { total: 0, list: 0 };

function Total(): ReactNode {
  rendered.total += 1;
  return `total ${useSession(watched, ({ state }) => state.total)}, `;
}

function Unsaved(): ReactNode {
  return `${useSession(watched).unsaved} not saved `;
}

function List(): ReactNode {
  rendered.list += 1;
  return useSession(watched, ({ state }) => [state.total]).join(' ');
}

const root = createRoot(document.querySelector('#root') as HTMLElement);
root.render([Total, Unsaved, List].map((part, key) => createElement(part, { key })));

declare global {
  var tally: Pick<typeof session, 'send'>;
  var rendered: { total: number; list: number };
  var listening: () => number;
  var unmount: () => void;
}
Object.assign(globalThis, {
  tally: session,
  rendered,
  listening: () => listening,
  unmount: () => root.unmount(),
});
