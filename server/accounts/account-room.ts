/** What a service does for people besides their account: routes of its own, installed beside the account's. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { StatementPool } from '../store/postgres/statement-pool.ts';
import type { Rate } from '../store/rate-limit.ts';

export interface AccountRoomParts {
  /** Whose request it is. What it rejects with is answered by the account's routes. */
  readonly accountOf: (request: FastifyRequest) => Promise<string>;
  /** Counts a try; rejects with what is answered when it is one too many. */
  readonly take: (rate: Rate, key: string) => Promise<void>;
  readonly statements: StatementPool;
}

export type AccountRoom = (app: FastifyInstance, parts: AccountRoomParts) => void;
