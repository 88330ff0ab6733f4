/** One ride of the list. */
import { planPositionS } from '../../../shared/workout/workout-view.ts';
import { confirmRow } from '../confirm-row.ts';
import { button, element, setText, showScreen } from '../dom.ts';
import { dayAndTime } from '../format.ts';
import { profileGraph } from '../profile-picture.ts';
import { rideFiguresList } from '../summary-screen.ts';
import type { KeptRide } from './kept-ride.ts';
import { rideReport } from './ride-report.ts';

export interface RideDetailParts {
  readonly ride: KeptRide;
  readonly rename: (name: string) => Promise<void>;
  readonly remove: () => Promise<void>;
  readonly leave: () => void;
}

export function showRideDetail({ ride, rename, remove, leave }: RideDetailParts): void {
  const { state } = ride;
  const graph = profileGraph(state.plan, state.ftpW);
  graph.show(state, planPositionS(state, state.lastMs));
  const title = element('h1', {}, [ride.name]);
  const usual = element('div', { class: 'controls' }, [
    button({ class: 'primary' }, ['Back'], leave),
    button({}, ['Rename'], () => naming.open()),
    button({}, ['Delete'], () => confirm.ask('Delete this ride from this device?')),
  ]);
  const confirm = confirmRow(usual, { yes: 'Delete it', no: 'Keep', act: () => void remove() });
  const naming = nameForm(ride.name, usual, (name) => {
    setText(title, name);
    void rename(name);
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
      ...rideReport(ride),
      element('div', {}, [usual, confirm.root, naming.root]),
    ]),
  );
}

function nameForm(name: string, usual: HTMLElement, rename: (name: string) => void) {
  const input = element('input', { id: 'ride-name', value: name, maxlength: '200', required: '' });
  const close = (): void => {
    root.hidden = true;
    usual.hidden = false;
  };
  const root = element('form', { class: 'controls' }, [
    element('label', { for: 'ride-name' }, ['Name of the ride']),
    input,
    element('button', { type: 'submit', class: 'primary' }, ['Save']),
    button({}, ['Cancel'], close),
  ]);
  root.hidden = true;
  root.addEventListener('submit', (event) => {
    event.preventDefault();
    const given = input.value.trim();
    if (given === '') return;
    rename(given);
    close();
  });
  const open = (): void => {
    root.hidden = false;
    usual.hidden = true;
    input.select();
  };
  return { root, open };
}
