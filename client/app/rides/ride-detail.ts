/** One ride of the list. */
import { planPositionS } from '../../../shared/workout/workout-view.ts';
import { confirmRow } from '../confirm-row.ts';
import { button, element, setText, showScreen } from '../dom.ts';
import { dayAndTime } from '../format.ts';
import type { IntervalsLink } from '../intervals/intervals-link.ts';
import type { SendRowParts } from '../intervals/send-row.ts';
import { nameForm } from '../name-form.ts';
import { profileGraph } from '../profile-picture.ts';
import { rideFiguresList } from '../summary-screen.ts';
import { isInParts, recordOf, type KeptRide } from './kept-ride.ts';
import type { RideBook } from './ride-book.ts';
import { rideReport } from './ride-report.ts';

export interface RideDetailParts {
  readonly ride: KeptRide;
  readonly book: RideBook;
  readonly intervals: IntervalsLink;
  readonly leave: () => void;
}

const fetching = 'The rest of this ride comes from your account…';
const unreachable =
  'This is the summary of the ride. The rest is in your account, which cannot be reached now.';
const summaryOnly =
  'This is the summary of the ride: the service does not have its course any more.';
const notDeleted = 'It is still there: your account cannot be reached now.';

export function showRideDetail({ ride, book, intervals, leave }: RideDetailParts): void {
  const { sessionId, state } = ride;
  const sending = { link: intervals, delivered: null };
  const graph = profileGraph(state);
  graph.show(state, planPositionS(state, state.lastMs));
  const title = element('h1', {}, [ride.name]);
  const note = element('p', { class: 'hint', role: 'status' });
  const report = element('div', { class: 'reports' }, rideReport(ride, sending));
  const question = book.isSignedIn()
    ? 'Delete this ride, on this device and in your account?'
    : 'Delete this ride from this device?';
  const usual = element('div', { class: 'controls' }, [
    button({ class: 'primary' }, ['Back'], leave),
    button({}, ['Rename'], () => naming.open()),
    button({}, ['Delete'], () => confirm.ask(question)),
  ]);
  const remove = (): void =>
    void book.remove(sessionId).then(leave, () => setText(note, notDeleted));
  const confirm = confirmRow(usual, { yes: 'Delete it', no: 'Keep', act: remove });
  const naming = nameForm(usual, {
    label: 'Name of the ride',
    name: ride.name,
    rename: (name) => {
      setText(title, name);
      void book.rename(sessionId, name).catch(() => {});
    },
  });
  showScreen(
    element('main', { class: 'ride summary' }, [
      element('header', { class: 'bar' }, [
        element('div', { class: 'title' }, [
          title,
          element('p', { class: 'dim' }, [
            [dayAndTime(state.startedAtMs ?? 0), state.plan.name].join(' · '),
          ]),
        ]),
      ]),
      rideFiguresList(state),
      graph.root,
      note,
      report,
      element('div', {}, [usual, confirm.root, naming.root]),
    ]),
  );
  void complete({ ride, book, report, note, sending });
}

/** Puts the whole report in the place of what this device knows, where another one rode. */
async function complete(parts: {
  readonly ride: KeptRide;
  readonly book: RideBook;
  readonly report: HTMLElement;
  readonly note: HTMLElement;
  readonly sending: SendRowParts;
}): Promise<void> {
  const { ride, book, report, note, sending } = parts;
  if (!isInParts(ride)) return;
  const hasNothing = recordOf(ride) === null;
  if (book.isSignedIn()) setText(note, fetching);
  try {
    const whole = await book.whole(ride);
    if (whole !== ride) report.replaceChildren(...rideReport(whole, sending));
    setText(note, whole === ride && hasNothing ? summaryOnly : '');
  } catch {
    setText(note, hasNothing ? unreachable : '');
  }
}
