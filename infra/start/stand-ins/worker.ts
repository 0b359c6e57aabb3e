const IDLE_INTERVAL_MS = 60_000;

setInterval(() => {}, IDLE_INTERVAL_MS);
process.once('SIGTERM', () => process.exit(0));
