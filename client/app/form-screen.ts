/** A screen with one small form: what is asked, what came of it, and where else one might want to go. */
import { button, element, setText } from './dom.ts';

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: 'email' | 'password' | 'text';
  /** What a password manager fills in. */
  readonly autocomplete: 'username' | 'current-password' | 'new-password' | 'off';
  readonly hint?: string;
  /** What it holds at first. */
  readonly value?: string;
}

export interface FormParts<Name extends string> {
  readonly fields: readonly (Field & { readonly name: Name })[];
  readonly submit: string;
  /** Rejects with one sentence; resolves with one to be shown, or with nothing when another screen came. */
  readonly act: (values: Readonly<Record<Name, string>>) => Promise<string | void>;
}

export function form<Name extends string>({ fields, submit, act }: FormParts<Name>): HTMLElement {
  const told = element('p', { class: 'hint', role: 'status' });
  const inputs = fields.map((field) => ({ name: field.name, ...fieldRow(field) }));
  const send = element('button', { type: 'submit', class: 'primary' }, [submit]);
  const rows: HTMLElement[] = inputs.map(({ row }) => row);
  const secrets = inputs.map(({ input }) => input).filter(({ type }) => type === 'password');
  if (secrets.length > 0) rows.push(lookSwitch(secrets));
  const made = element('form', { class: 'form' }, [...rows, told, send]);
  made.addEventListener('submit', (event) => {
    event.preventDefault();
    const values = Object.fromEntries(inputs.map(({ name, input }) => [name, input.value]));
    made.inert = true;
    setText(told, 'One moment…');
    act(values as Record<Name, string>)
      .then(
        (sentence) => {
          setText(told, sentence ?? '');
          told.dataset['tone'] = 'good';
        },
        (error: unknown) => {
          setText(told, error instanceof Error ? error.message : 'That did not work.');
          delete told.dataset['tone'];
        },
      )
      .finally(() => {
        made.inert = false;
      });
  });
  return made;
}

function fieldRow({ name, label, type, autocomplete, hint, value = '' }: Field) {
  const id = `field-${name}`;
  const input = element('input', { id, name, type, autocomplete, value, required: '' });
  const help = hint === undefined ? [] : [element('p', { class: 'dim', id: `${id}-help` }, [hint])];
  if (hint !== undefined) input.setAttribute('aria-describedby', `${id}-help`);
  const row = element('div', { class: 'field' }, [
    element('label', { for: id }, [label]),
    input,
    ...help,
  ]);
  return { row, input };
}

/** Long passwords are typed with fewer mistakes by who sees them. */
function lookSwitch(secrets: readonly HTMLInputElement[]): HTMLElement {
  const box = element('input', { type: 'checkbox' });
  box.addEventListener('change', () => {
    for (const secret of secrets) secret.type = box.checked ? 'text' : 'password';
  });
  return element('label', { class: 'look' }, [box, 'Show what I type']);
}

export interface Screen {
  readonly title: string;
  readonly content: readonly HTMLElement[];
  /** Ways out, each a button in a line below. */
  readonly ways: readonly (readonly [label: string, go: () => void])[];
}

export function accountFrame({ title, content, ways }: Screen): HTMLElement {
  const links = ways.map(([label, go]) => button({ class: 'way' }, [label], go));
  return element('main', { class: 'account' }, [
    element('p', { class: 'wordmark' }, ['Trackstand']),
    element('h1', {}, [title]),
    ...content,
    element('nav', { class: 'ways' }, links),
  ]);
}

export const emailField = {
  name: 'email',
  label: 'E-mail address',
  type: 'email',
  autocomplete: 'username',
} as const;

export const passwordField = {
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'current-password',
} as const;

export const newPasswordField = {
  name: 'next',
  label: 'New password',
  type: 'password',
  autocomplete: 'new-password',
  hint: '12 characters or more. A few words are better than many signs.',
} as const;
