/** How many connections all sessions of one owner have on this instance. [F4] */

export interface OwnerConnections {
  /**
   * Counts one, once it is known whose session it is. `refuse` is called when it is one too many. The function it returns takes it
   * back, once.
   */
  readonly enter: (sessionId: string, refuse: () => void) => () => void;
}

/** `ownerOf` a session: undefined when it is nobody's. While it cannot be asked nobody is refused: the other bounds hold. */
export function countOwnerConnections(
  ownerOf: (sessionId: string) => Promise<string | undefined>,
  countMax: number,
): OwnerConnections {
  const counts = new Map<string, number>();
  const count = (owner: string, refuse: () => void): (() => void) => {
    const before = counts.get(owner) ?? 0;
    if (before >= countMax) {
      refuse();
      return () => {};
    }
    counts.set(owner, before + 1);
    return () => {
      const left = (counts.get(owner) ?? 1) - 1;
      if (left === 0) counts.delete(owner);
      else counts.set(owner, left);
    };
  };
  return {
    enter: (sessionId, refuse) => {
      let isGone = false;
      let leave: (() => void) | undefined;
      ownerOf(sessionId).then(
        (owner) => {
          if (!isGone && owner !== undefined) leave = count(owner, refuse);
        },
        () => {},
      );
      return () => {
        if (isGone) return;
        isGone = true;
        leave?.();
      };
    },
  };
}
