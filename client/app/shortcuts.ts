/** The keyboard of a ride. */

export interface ShortcutActions {
  readonly toggle: () => void;
  readonly adjust: (steps: number) => void;
  readonly switchBrake: () => void;
  readonly skip: () => void;
  readonly lap: () => void;
  readonly askToFinish: () => void;
  readonly cancel: () => void;
}

/** Steps with the shift key: for a bad day, or the foot of a hill. */
export const largeStep = 5;

/** Listens until the returned function is called. */
export function listenForShortcuts(actions: ShortcutActions): () => void {
  const listen = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const act = actionFor(event, actions);
    if (act === undefined) return;
    event.preventDefault();
    // A key that is held would pause and resume many times a second; more of the same is meant.
    if (!event.repeat || event.key.startsWith('Arrow')) act();
  };
  document.addEventListener('keydown', listen);
  return () => document.removeEventListener('keydown', listen);
}

function actionFor(event: KeyboardEvent, actions: ShortcutActions): (() => void) | undefined {
  const step = event.shiftKey ? largeStep : 1;
  switch (event.key) {
    case ' ':
      return actions.toggle;
    case 'ArrowUp':
      return () => actions.adjust(step);
    case 'ArrowDown':
      return () => actions.adjust(-step);
    case 'ArrowRight':
      return event.repeat ? () => {} : actions.skip;
    case 'm':
    case 'M':
      return actions.switchBrake;
    case 'l':
    case 'L':
      return actions.lap;
    case 'f':
    case 'F':
      return actions.askToFinish;
    case 'Escape':
      return actions.cancel;
    default:
      return undefined;
  }
}

/** Whoever has come to a control by the keyboard means that control. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest('input, textarea, select') !== null) return true;
  return key === ' ' && target.closest('button, summary, a') !== null;
}
