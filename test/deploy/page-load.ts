/** Open-loop requests for the page at `url`, until what it returns is called. */
import { Agent, request } from 'node:http';

export function loadPage(url: string, perS: number): () => void {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const timer = setInterval(() => {
    for (let count = 0; count < perS / 20; count++) {
      const sent = request(`${url}/`, { agent }, (response) => response.resume());
      sent.on('error', () => {});
      sent.end();
    }
  }, 50);
  return () => {
    clearInterval(timer);
    agent.destroy();
  };
}
