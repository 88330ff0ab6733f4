/** Which schema versions are stored, and how far states may be raised: what taking a release back asks of the stores. */

/** Live sessions of one kind at one version. */
export interface VersionCount {
  readonly kind: string;
  readonly version: number;
  readonly sessions: number;
}

export interface StoredVersion {
  readonly sessionId: string;
  /** Of the newest state in Postgres. */
  readonly version: number;
}

/** Where a session stands. */
export interface Standing {
  readonly kind: string;
  readonly version: number;
  readonly ceiling: number | undefined;
}

/** Whether a session went back, for good as far as one can tell, to a version below that one. */
export async function isTakenBack(
  schemas: SchemaCatalog,
  sessionId: string,
  version: number,
): Promise<boolean> {
  const { version: stored = 0, ceiling = Infinity } = (await schemas.standing(sessionId)) ?? {};
  return ceiling < version && stored <= ceiling;
}

/** All methods reject with StoreUnavailableError. */
export interface SchemaCatalog {
  /** By kind and version, in that order. */
  census(): Promise<readonly VersionCount[]>;
  /** Live sessions of a kind whose id comes after that one, in order of their ids. */
  page(kind: string, afterSessionId: string, countMax: number): Promise<readonly StoredVersion[]>;
  /** Undefined for an unknown or expired session. */
  standing(sessionId: string): Promise<Standing | undefined>;
  /** By kind. */
  ceilings(): Promise<ReadonlyMap<string, number>>;
  /** From when it resolves on, no state of the kind is raised above the version; what was being raised has landed by then. */
  setCeiling(kind: string, version: number): Promise<void>;
  /** Whether there was one. */
  liftCeiling(kind: string): Promise<boolean>;
}

/** Versions in Redis, which may be other ones: it came back stale, or Postgres did. */
export interface LogVersions {
  /** Undefined when Redis does not know the session. Rejects with StoreUnavailableError. */
  version(sessionId: string): Promise<number | undefined>;
}
