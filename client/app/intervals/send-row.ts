/** Sending a ride to intervals.icu, by one button, and what came of it. */
import { button, element, setText } from '../dom.ts';
import type { RideRecord } from '../export/ride-record.ts';
import type { KeptRide } from '../rides/kept-ride.ts';
import type { IntervalsLink, Sent } from './intervals-link.ts';
import { keptKey } from './kept-key.ts';

const inParts =
  'This device has only a part of this ride: sign in and open it again to send the whole ride. One without an account cannot be sent.';
const undelivered = 'It can be sent when the service has all of it.';
const waits = 'It is sent when the service has all of it.';

export interface SendRowParts {
  readonly link: Pick<IntervalsLink, 'send' | 'sendLater' | 'sending'>;
  /**
   * Of a ride that is over at this moment: resolves when the service has all of it, under an id that stays. Then it goes there by itself
   * where the rider wants that. Null for one of the list.
   */
  readonly delivered: Promise<KeptRide> | null;
}

/** None without a key. */
export function sendRow(
  listed: KeptRide,
  { isWhole }: RideRecord,
  { link, delivered }: SendRowParts,
): HTMLElement[] {
  const kept = keptKey();
  if (kept === null) return [];
  let ride = listed;
  let isThere = false;
  const note = element('p', { class: 'sent-note', role: 'status' });
  const show = (sent: Sent): void => {
    isThere = sent.kind !== 'not-sent';
    send.disabled = false;
    // Who deleted it there may want it back.
    setText(send, isThere ? 'Send again' : 'Send it again');
    note.dataset['tone'] = isThere ? 'good' : 'busy';
    setText(note, sentText(sent));
  };
  const wait = (sending: Promise<Sent>): void => {
    send.disabled = true;
    delete note.dataset['tone'];
    setText(note, 'Sending…');
    void sending.then(show);
  };
  const offer = async (whole: KeptRide): Promise<void> => {
    ride = whole;
    send.disabled = false;
    setText(note, '');
    if (!kept.sendsRides) return;
    await link.sendLater(ride.sessionId);
    wait(link.send(ride));
  };
  const send = button({}, ['Send to intervals.icu'], () => wait(link.send(ride, isThere)));
  const underWay = link.sending(ride.sessionId);
  if (ride.sentAs?.athleteId === kept.toldId) show({ kind: 'sent' });
  else if (underWay !== undefined) wait(underWay);
  else if (!isWhole) {
    // A part that is there would keep the whole out.
    send.disabled = true;
    setText(note, inParts);
  } else if (delivered !== null) {
    // Until then its id may change, and under another one it would be sent once more.
    send.disabled = true;
    setText(note, kept.sendsRides ? waits : undelivered);
    if (kept.sendsRides) void link.sendLater(ride.sessionId);
    void delivered.then(offer);
  }
  return [element('section', { class: 'downloads', 'aria-label': 'intervals.icu' }, [send, note])];
}

function sentText(sent: Sent): string {
  switch (sent.kind) {
    case 'sent':
      return 'Sent to intervals.icu.';
    case 'known':
      return 'It is at intervals.icu already.';
    case 'not-sent':
      return sent.sentence;
  }
}
