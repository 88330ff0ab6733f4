/** The little of the DOM that the screens share. */

type Child = Node | string;

/** An element with attributes and children. Text is text: nothing of a workout file becomes markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  children: readonly Child[] = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button that does something. A tap leaves no focus behind, so that the space bar stays the rider's. */
export function button(
  attributes: Readonly<Record<string, string>>,
  children: readonly Child[],
  act: (event: MouseEvent) => void,
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, children);
  made.addEventListener('click', (event) => {
    if (event.detail > 0) made.blur();
    act(event);
  });
  return made;
}

/** Sets a text only when it is another: what did not change is not read out again, and not laid out again. */
export function setText(target: Node, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Shows or hides, as assistive technology understands it. */
export function setShown(target: HTMLElement, isShown: boolean): void {
  if (target.hidden === isShown) target.hidden = !isShown;
}

/** Puts one screen in the place of another and says so to those who do not see it. */
export function showScreen(screen: HTMLElement): void {
  document.querySelector('#app')?.replaceChildren(screen);
  globalThis.scrollTo(0, 0);
  const heading = screen.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus({ preventScroll: true });
}
