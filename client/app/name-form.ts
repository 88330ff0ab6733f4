/** A name to be changed, in the place of the buttons that led to it. */
import { button, element } from './dom.ts';

export interface NameForm {
  readonly root: HTMLElement;
  readonly open: () => void;
}

export interface NameFormParts {
  readonly label: string;
  readonly name: string;
  readonly rename: (name: string) => void;
}

/** Hides `usual` while it is open. */
export function nameForm(usual: HTMLElement, { label, name, rename }: NameFormParts): NameForm {
  const input = element('input', {
    id: 'given-name',
    class: 'given-name',
    value: name,
    maxlength: '200',
    required: '',
  });
  const close = (): void => {
    const hadFocus = root.contains(document.activeElement);
    root.hidden = true;
    usual.hidden = false;
    if (hadFocus) usual.querySelector('button')?.focus();
  };
  const root = element('form', { class: 'controls naming' }, [
    element('label', { for: input.id }, [label]),
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
    input.focus();
    input.select();
  };
  return { root, open };
}
