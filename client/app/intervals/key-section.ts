/** Where the rider gives the page a key for intervals.icu, and takes it back. */
import { button, element, setText } from '../dom.ts';
import { form } from '../form-screen.ts';
import type { IntervalsLink } from './intervals-link.ts';
import { forgetKey, keepKey, keptKey, type KeptKey } from './kept-key.ts';

const aboutKeys =
  'Ride what is planned in your calendar there, and send your rides to it. Your key is on intervals.icu, under Settings, Developer Settings.';
const aboutKeeping =
  'The key stays in this browser, on this device: whoever uses this browser can use it, until you forget it here, or somebody signs in or out. It goes to intervals.icu by way of this service, which does not keep it.';
const notSafe =
  'Your plan from intervals.icu, and your rides to it: over HTTPS only, because a key would travel in the open here.';
const notKept = 'The key is good, but this browser keeps nothing for this page.';

/** Empty where the service does not offer it. */
export function keySection(link: Pick<IntervalsLink, 'site' | 'check'>): HTMLElement {
  const root = element('section', { class: 'key-section' });
  const told = element('p', { class: 'key-note', role: 'status' });
  const fill = (content: readonly HTMLElement[]): void =>
    root.replaceChildren(element('h2', {}, ['intervals.icu']), ...content);
  const showKept = (kept: KeptKey): void => {
    const forget = button({}, ['Forget the key'], () => {
      forgetKey();
      setText(told, 'Forgotten.');
      showForm();
    });
    fill([
      element('p', {}, [`Connected as ${kept.name}.`]),
      sendsSwitch(),
      element('p', { class: 'dim' }, [aboutKeeping]),
      forget,
      told,
    ]);
  };
  const showForm = (): void =>
    fill([
      element('p', { class: 'dim' }, [aboutKeys]),
      form({
        fields: [keyField, athleteField],
        submit: 'Check it and keep it',
        act: async ({ key, athlete }) => {
          const kept = await link.check(key.trim(), athlete.trim());
          // The rider has left meanwhile, and may not want it any more.
          if (!root.isConnected) return;
          if (!keepKey(kept)) return notKept;
          setText(told, 'The key is good.');
          return showKept(kept);
        },
      }),
      element('p', { class: 'dim' }, [aboutKeeping]),
      told,
    ]);
  const kept = keptKey();
  if (kept !== null) showKept(kept);
  // While the service is away nothing can be checked either.
  else
    void link.site().then(
      (site) => {
        if (site === null) return;
        if (isSecureContext) showForm();
        else fill([element('p', { class: 'dim' }, [notSafe])]);
      },
      () => {},
    );
  return root;
}

const keyField = {
  name: 'key',
  label: 'Your API key',
  type: 'password',
  autocomplete: 'off',
} as const;

const athleteField = {
  name: 'athlete',
  label: 'Athlete ID',
  type: 'text',
  autocomplete: 'off',
  value: '0',
  hint: '0 is the athlete the key belongs to. A coach may give another, such as i12345.',
} as const;

function sendsSwitch(): HTMLElement {
  const box = element('input', { type: 'checkbox' });
  box.checked = keptKey()?.sendsRides === true;
  box.addEventListener('change', () => {
    const kept = keptKey();
    if (kept !== null) keepKey({ ...kept, sendsRides: box.checked });
  });
  return element('label', { class: 'look' }, [box, 'Send each ride there when it is over']);
}
