/** Sending a ride to intervals.icu, by one button, and what came of it. */
import { button, element, setShown, setText } from '../dom.ts';
import { recordOf, type KeptRide } from '../rides/kept-ride.ts';
import type { IntervalsLink, Sent } from './intervals-link.ts';
import { keptKey } from './kept-key.ts';

const inParts =
  'Another device rode a part of this ride: send it from there, or sign in and open it again.';

export interface SendRowParts {
  readonly link: Pick<IntervalsLink, 'send' | 'sending'>;
  /** It is over at this moment, and goes there by itself when the rider wants that. */
  readonly isJustOver: boolean;
}

/** None without a key. */
export function sendRow(ride: KeptRide, { link, isJustOver }: SendRowParts): HTMLElement[] {
  const kept = keptKey();
  if (kept === null) return [];
  const note = element('p', { class: 'sent-note', role: 'status' });
  const show = (sent: Sent): void => {
    const isThere = sent.kind !== 'not-sent';
    setShown(send, !isThere);
    send.disabled = false;
    setText(send, isThere ? '' : 'Send it again');
    note.dataset['tone'] = isThere ? 'good' : 'busy';
    setText(note, sentText(sent));
  };
  const wait = (sending: Promise<Sent>): void => {
    send.disabled = true;
    delete note.dataset['tone'];
    setText(note, 'Sending…');
    void sending.then(show);
  };
  const send = button({}, ['Send to intervals.icu'], () => wait(link.send(ride)));
  const underWay = link.sending(ride.sessionId);
  if (ride.sentAs !== undefined) show({ kind: 'sent' });
  else if (underWay !== undefined) wait(underWay);
  else if (recordOf(ride)?.isWhole !== true) {
    // A part that is there would keep the whole out.
    send.disabled = true;
    setText(note, inParts);
  } else if (isJustOver && kept.sendsRides) wait(link.send(ride));
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
