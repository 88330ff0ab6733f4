/** Ids that nobody can guess, and that are safe in a path. */

/** 128 random bits as 22 characters. */
export function newId(): string {
  return idOf(crypto.getRandomValues(new Uint8Array(16)));
}

export function idOf(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
