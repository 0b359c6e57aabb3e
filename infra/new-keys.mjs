import { newSecrets } from './local/secrets.mjs';

/** New values for every secret, as lines of an environment file: RUNBOOK.md, "Change keys". */
for (const [name, value] of Object.entries(newSecrets())) process.stdout.write(`${name}=${value}\n`);
