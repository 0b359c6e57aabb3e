import postgres from 'postgres';
import type { OwnPostgres } from './postgres-server.ts';

/** A session that is none of the shop's, past every proxy. */
export const ownSession = ({ url }: Pick<OwnPostgres, 'url'>): postgres.Sql =>
  postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined, idle_timeout: 0 });
