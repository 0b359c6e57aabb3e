import { expect, test } from 'vitest';
import { scripts } from '../local/built-services.mjs';
import { services } from './services.mjs';

type Started = { stopSteps: { signal: string; timeoutMs: number }[] };

async function stopMsOf(env: Record<string, string>): Promise<number[]> {
  const started: Started[] = [];
  const roster = { start: async (options: Started) => started.push(options) };
  const settings = { gatewayUrls: [], gatewayPorts: [], bookingPorts: [], workers: 1, host: '127.0.0.1' };
  const [worker] = services({ roster, root: '.', env, settings, scripts });
  await worker?.start();
  return started.flatMap(({ stopSteps }) => stopSteps.map(({ timeoutMs }) => timeoutMs));
}

test('a service that is to drain for a minute is not killed meanwhile', async () => {
  expect(await stopMsOf({})).toEqual([20_000]);
  expect(await stopMsOf({ DRAIN_SECONDS: '60' })).toEqual([80_000]);
});
