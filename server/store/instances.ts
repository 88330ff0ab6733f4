/** The book of instances: who runs, and how they say they are. In Postgres, because Redis may be away or absent when one looks. */

/** Anything that JSON holds; who writes and who reads agree on it elsewhere. */
export type StoredReport = Readonly<Record<string, unknown>>;

export interface NotedInstance {
  readonly place: string;
  readonly release: string;
  readonly startedMs: number;
  /** Since its last word, by the database's clock. */
  readonly silentMs: number;
  readonly report: StoredReport | undefined;
}

/** All reject with StoreUnavailableError. */
export interface InstanceBook {
  /** This instance is there, and how it is. Resolves with what it is told in turn. */
  readonly beat: (report: StoredReport) => Promise<{
    /** Milliseconds since the latest verified backup; undefined when there is none. */
    readonly backupAgeMs: number | undefined;
  }>;
  /** This instance leaves in order; who does not say so counts as in use for a while. */
  readonly leave: () => Promise<void>;
  /** By place. Those not heard of for a day are forgotten. */
  readonly list: () => Promise<readonly NotedInstance[]>;
}
