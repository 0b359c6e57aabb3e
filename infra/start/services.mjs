import { nodeArgs } from '../local/built-services.mjs';
import { LaunchError } from '../local/launch-error.mjs';
import { endProcess, until } from '../local/processes.mjs';
import { ranks } from '../local/roster.mjs';
import { localUrl } from './settings.mjs';

const READY_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2_000;
/** A service ends by itself 15 s after SIGTERM at the latest, once it has drained for DRAIN_SECONDS (shared/main.ts). */
const STOP_MS_MAX = 20_000;

/** Runs a script to its end; throws when it fails, after it has said why. */
export async function runScript({ roster, root, env, script }) {
  const running = await roster.start({
    ...node(script, env),
    name: script,
    rank: ranks.tool,
    cwd: root,
    env,
  });
  const { code, signal } = await running.exited;
  if (code === 0) return;
  throw new LaunchError(`${script} failed (${outcome(code, signal)}); what it says stands above.`);
}

/**
 * Every service as `{ what, start }`: `start` resolves to the process once `/readyz` answers 200, the worker's, which
 * listens nowhere, once it runs; it rejects when the service ends or takes too long.
 */
export function services({ roster, root, env, settings, scripts }) {
  // Each tells its figures on a port of its own, from METRICS_PORT upwards, gateways first and the workers last.
  const metricsPort = Number(env.METRICS_PORT || Number.NaN);
  const metricsOf = (index) => (metricsPort > 0 ? { METRICS_PORT: String(metricsPort + index) } : {});
  const service = (what, script, rank, url, own = {}) => ({
    what,
    start: async () => {
      const running = await roster.start({
        ...node(script, env),
        name: what,
        rank,
        cwd: root,
        env: { ...env, ...own },
      });
      if (url) await ready(running, url, stopSteps(env));
      return running;
    },
  });
  const gateways = settings.gatewayUrls.map((url, index) => {
    const what = settings.gatewayUrls.length === 1 ? 'The gateway' : `Gateway ${index + 1}`;
    const own = { PORT: String(settings.gatewayPorts[index]), GATEWAY_PROCESSES: '1', ...metricsOf(index) };
    return service(what, scripts.gateway, ranks.gateway, url, own);
  });
  const bookings = settings.bookingPorts.map((port, index) => {
    const what = settings.bookingPorts.length === 1 ? 'The booking service' : `Booking service ${index + 1}`;
    const own = { BOOKING_PORT: String(port), ...metricsOf(gateways.length + index) };
    return service(what, scripts.booking, ranks.booking, localUrl(settings.host, port), own);
  });
  const workers = Array.from({ length: settings.workers }, (_, index) => {
    const what = settings.workers === 1 ? 'The worker' : `Worker ${index + 1}`;
    const own = metricsOf(gateways.length + bookings.length + index);
    return service(what, scripts.worker, ranks.worker, null, own);
  });
  // In the order in which they are replaced: whoever asks another comes behind it.
  return [...workers, ...bookings, ...gateways];
}

const node = (script, env) => ({
  command: process.execPath,
  args: nodeArgs(script),
  stdio: ['ignore', 'inherit', 'inherit'],
  stopSteps: stopSteps(env),
});

const stopSteps = (env) => [
  { signal: 'SIGTERM', timeoutMs: STOP_MS_MAX + 1_000 * (Number(env.DRAIN_SECONDS) || 0) },
];

async function ready(running, url, steps) {
  const settled = await until(async () => running.ended() ?? (await isReady(url)), READY_TIMEOUT_MS);
  if (settled === true) return;
  if (settled) {
    throw new LaunchError(`${running.name} ended while starting (${outcome(settled.code, settled.signal)}).`);
  }
  await endProcess(running, steps);
  throw new LaunchError(`${running.name} was not ready after ${READY_TIMEOUT_MS / 1000} s (${url}/readyz).`);
}

async function isReady(url) {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false; // not listening yet: asked again until the time is over
  }
}

const outcome = (code, signal) => signal ?? `exit code ${code}`;
