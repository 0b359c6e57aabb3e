import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountMay, unprivilegedAccount } from './account.mjs';
import { makeAccountFolder } from './account-folder.mjs';
import { filledIn } from './filled-in.mjs';
import { LaunchError } from './launch-error.mjs';
import { lastLines, readLog, startLogged } from './logged.mjs';
import { PGBOUNCER_IS_MISSING, pgbouncerBinary } from './pgbouncer-binary.mjs';
import { freePort, isListenedOn, LOOPBACK } from './ports.mjs';
import { endProcess, until } from './processes.mjs';
import { ranks } from './roster.mjs';

const PRIVATE_FILE_MODE = 0o600;
const READY_TIMEOUT_MS = 20_000;
const ASK_TIMEOUT_SECONDS = 5;
/** One that was killed is back by then. */
const RENEW_TIMEOUT_MS = 20_000;
/** SIGINT lets statements under way end; PostgreSQL gives them 2.5 s. */
const STOP_STEPS = [
  { signal: 'SIGINT', timeoutMs: 4_000 },
  { signal: 'SIGTERM', timeoutMs: 2_000 },
];
const ACCOUNTS = ['pgbouncer', 'postgres', '_postgres'];
/** More than the services have of them. */
const PREPARED_STATEMENTS = 'max_prepared_statements = 500';

/**
 * Prepares PgBouncer in front of one database, which runs, with the configuration of infra/pgbouncer, in a folder of its own; as an account
 * without rights when root starts it, which it asks for. The result is its `url`, whether it `prepares` statements, `start`, which
 * starts it on the same port as often as it is asked, and `renew`, by which all that is prepared is prepared anew.
 */
export async function preparePgbouncer({
  roster,
  root,
  dataDir,
  binaries,
  databaseUrl,
  poolSize,
  clientsMax,
}) {
  const binary = await pgbouncerBinary({ roster, folder: binaries });
  if (!binary) throw new LaunchError(PGBOUNCER_IS_MISSING);
  const account = unprivilegedAccount(ACCOUNTS);
  if (account && !accountMay(account, '[ -x "$1" ]', binary.command)) {
    throw new LaunchError(
      `${account.name} may not run ${binary.command}; install PgBouncer, set DATA_DIR to a folder that other accounts may enter, or leave it out with POOLER=off.`,
    );
  }
  const folder = makeAccountFolder({ dataDir, name: 'pgbouncer', account });
  const port = await freePort();
  const url = new URL(databaseUrl);
  const secret = await secretOf(databaseUrl);
  const config = writeConfig({ root, folder, account, url, secret, port, binary, poolSize, clientsMax });
  url.host = `${LOOPBACK}:${port}`;
  const options = {
    command: binary.command,
    args: [config],
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...binary.env },
    account,
  };
  return {
    url: url.href,
    prepares: binary.prepares,
    title: `PgBouncer ${binary.version}`,
    start: () => startPgbouncer({ roster, options, port, log: join(dataDir, 'pgbouncer.log') }),
    renew: () => renewSessions(url),
  };
}

/**
 * What PostgreSQL itself has kept of the password (RFC 5803). With it PgBouncer derives no keys at each login, which would take its
 * one thread 8 ms, seconds for all the connections that come at once when it was away; and knows no password.
 */
async function secretOf(databaseUrl) {
  const secret = ([row]) => row.secret;
  const look = (sql) => sql`select rolpassword as secret from pg_authid where rolname = current_user`;
  return askAt(databaseUrl, look).then(secret, (error) => {
    throw new LaunchError(`PostgreSQL did not tell PgBouncer who may come (${error.code ?? error.message}).`);
  });
}

async function askAt(url, work) {
  // Loaded only now: where nothing has been installed yet there is no driver.
  const { default: postgres } = await import('postgres');
  const sql = postgres(url, { max: 1, connect_timeout: ASK_TIMEOUT_SECONDS, fetch_types: false });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** The secret stands in a file of its own that nobody else reads. Returns the path of the configuration. */
function writeConfig({ root, folder, account, url, secret, port, binary, poolSize, clientsMax }) {
  const users = join(folder, 'users.txt');
  const values = {
    DATABASE: decodeURIComponent(url.pathname.slice(1)),
    POSTGRES_HOST: url.hostname,
    POSTGRES_PORT: url.port,
    POOL_SIZE: poolSize,
    LISTEN_ADDR: LOOPBACK,
    LISTEN_PORT: port,
    AUTH_FILE: users,
    CLIENTS_MAX: clientsMax,
    ADMIN: decodeURIComponent(url.username),
    PREPARED_STATEMENTS: binary.prepares ? PREPARED_STATEMENTS : '; None: before PgBouncer 1.21.',
  };
  const config = join(folder, 'pgbouncer.ini');
  const template = readFileSync(join(root, 'infra', 'pgbouncer', 'pgbouncer.ini'), 'utf8');
  const files = {
    [config]: filledIn(template, values, { what: 'infra/pgbouncer', comment: ';' }),
    [users]: `${quoted(url.username)} "${secret}"\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    writeFileSync(path, text, { mode: PRIVATE_FILE_MODE });
    if (account) chownSync(path, account.uid, account.gid);
  }
  return config;
}

const quoted = (part) => `"${decodeURIComponent(part).replaceAll('"', '""')}"`;

async function startPgbouncer({ roster, options, port, log }) {
  const running = await startLogged({
    ...{ roster, log, ...options },
    name: 'PgBouncer',
    rank: ranks.pooler,
    stopSteps: STOP_STEPS,
  });
  const settled = await until(() => running.ended() || isListenedOn(port), READY_TIMEOUT_MS);
  if (settled === true) return running;
  await endProcess(running, STOP_STEPS);
  throw new LaunchError(`PgBouncer did not start; its log says:\n${lastLines(readLog(log))}`);
}

/**
 * By its console, which is a database of its own. Connections of callers end with the sessions (they try again by themselves):
 * with new sessions alone the driver would read what a statement answers now by what it answered before.
 */
async function renewSessions(url) {
  let failure = null;
  const isRenewed = await until(async () => {
    failure = await tryToRenew(url).then(
      () => null,
      (error) => error,
    );
    return failure === null;
  }, RENEW_TIMEOUT_MS);
  if (isRenewed) return;
  throw new LaunchError(
    `PgBouncer did not renew its sessions behind the migration (${failure.code ?? failure.message}); end it, and it is started anew.`,
  );
}

function tryToRenew(url) {
  const database = `"${decodeURIComponent(url.pathname.slice(1))}"`;
  const consoleUrl = new URL(url);
  consoleUrl.pathname = '/pgbouncer';
  return askAt(consoleUrl.href, async (sql) => {
    await sql.unsafe(`kill ${database}`).simple();
    await sql.unsafe(`resume ${database}`).simple();
  });
}
