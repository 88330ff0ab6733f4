import { freshPglite, freshPostgres } from '../support/services/shared-services.ts';
import { postgresContract } from './postgres-contract.ts';

postgresContract('the embedded Postgres', freshPglite);
postgresContract('a real Postgres', freshPostgres);
