/** A question in the place of the buttons that led to it: nothing covers the ride. */
import { button, element, setShown, setText } from './dom.ts';

export interface ConfirmRow {
  readonly root: HTMLElement;
  readonly isOpen: () => boolean;
  ask(question: string): void;
  /** The answer is no. */
  readonly close: () => void;
}

export interface ConfirmChoice {
  readonly yes: string;
  readonly no: string;
  readonly act: () => void;
}

/** Hides `usual` while it asks. */
export function confirmRow(usual: HTMLElement, { yes, no, act }: ConfirmChoice): ConfirmRow {
  const question = element('p', { class: 'question', id: `question-${yes.replaceAll(' ', '-')}` });
  const setOpen = (isOpen: boolean): void => {
    setShown(root, isOpen);
    setShown(usual, !isOpen);
  };
  const close = (): void => setOpen(false);
  const agree = button({ class: 'primary' }, [yes], () => {
    close();
    act();
  });
  const refuse = button({ 'aria-describedby': question.id }, [no], close);
  const root = element('div', { class: 'controls confirm', role: 'group' }, [
    question,
    agree,
    refuse,
  ]);
  root.hidden = true;
  return {
    root,
    isOpen: () => !root.hidden,
    ask: (text) => {
      setText(question, text);
      setOpen(true);
      // Whoever meant to press pause must not end the ride by it.
      refuse.focus();
    },
    close,
  };
}
