/** How often each of some codes occurred; what is not among them counts as `other`, so that nobody can make up new ones. */
export interface CodeCounts {
  readonly count: (code: number) => void;
  readonly counts: () => ReadonlyMap<string, number>;
}

export function codeCounts(known: readonly number[]): CodeCounts {
  const counts = new Map([...known.map(String), 'other'].map((code) => [code, 0]));
  return {
    count: (code) => {
      const name = counts.has(String(code)) ? String(code) : 'other';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    counts: () => counts,
  };
}
