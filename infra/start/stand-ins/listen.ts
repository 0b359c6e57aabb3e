import { createServer } from 'node:http';

/** A service as the launcher sees one: ready at `/readyz`, and telling everywhere else what it was given. */
export function listen(port: string | undefined, afterReady: () => void = () => {}): void {
  const server = createServer((request, response) => {
    response.end(JSON.stringify(process.env));
    if (request.url === '/readyz') afterReady();
  });
  server.listen(Number(port), process.env.HOST);
  process.once('SIGTERM', () => process.exit(0));
}
