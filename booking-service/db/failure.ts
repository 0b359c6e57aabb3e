import postgres from 'postgres';
import { Problem } from '#shared/problem.ts';

/** SQLSTATE classes and codes that speak of the server's state and not of the statement (PostgreSQL, appendix A). */
const serverStates = [
  /^08/, // the connection
  /^53/, // disk full, memory, too many connections
  /^57P0[1-5]/, // shut down, crashed, starting
  /^58/, // the system around the server
];
const timeoutStates = /^(?:57014|55P03)$/; // statement_timeout, lock_timeout
const rivalryStates = /^(?:40001|40P01)$/; // serialisation failure, deadlock

const connectionCodes =
  /^(?:CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENETUNREACH|ENOENT)/;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

/**
 * True when the same call may be made again: the answer was lost or never came to be, so its outcome is unknown. Every
 * statement of this service is written to be safe then: it looks its ids up before it does anything.
 */
export const isWorthRetrying = (error: unknown): boolean => {
  const code = codeOf(error);
  if (error instanceof postgres.PostgresError)
    return rivalryStates.test(code) || serverStates.some((state) => state.test(code));
  return connectionCodes.test(code);
};

/** What a failed call looks like to the rest of the service: the database's state is `unavailable`, faults stay faults. */
export const asDbFailure = (error: unknown): unknown => {
  if (error instanceof Problem) return error;
  const known = isWorthRetrying(error) || timeoutStates.test(codeOf(error));
  return known ? new Problem('unavailable', 'Please try again in a moment.', { cause: error }) : error;
};
