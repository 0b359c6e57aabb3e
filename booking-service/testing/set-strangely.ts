import postgres from 'postgres';

/**
 * Gives the database's later sessions what PostgreSQL allows and nobody here expects: transactions that look at one moment only,
 * and dates that begin with the day.
 */
export async function setStrangely(databaseUrl: string): Promise<void> {
  const admin = postgres(databaseUrl, { max: 1 });
  try {
    const database = admin(new URL(databaseUrl).pathname.slice(1));
    await admin`alter database ${database} set default_transaction_isolation = 'repeatable read'`;
    await admin`alter database ${database} set DateStyle = 'German'`;
  } finally {
    await admin.end();
  }
}
