import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { counted, gauge } from './registry.ts';

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e9;

/** Memory, processor, handles and the event loop's delay, by the names that dashboards for Node know. */
export function countProcess(): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  // Without load it measures its own timer.
  const delayed = (nanoseconds: number) => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000) || 0;
  const quantiles = () => {
    const samples = [
      [['0.5'], delayed(delay.percentile(50))],
      [['0.99'], delayed(delay.percentile(99))],
      [['1'], delayed(delay.max)],
    ] as const;
    delay.reset();
    return samples;
  };
  gauge(
    'nodejs_eventloop_delay_seconds',
    'How late the event loop was since it was last asked, by quantile.',
    ['quantile'],
    quantiles,
  );
  counted('process_cpu_seconds_total', 'Processor time, user and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const startedAt = Date.now() / 1000 - process.uptime();
  gauge('process_start_time_seconds', 'When the process began, Unix time.', [], () => [[[], startedAt]]);
  gauge('process_resident_memory_bytes', 'Memory in use.', [], () => [[[], process.memoryUsage.rss()]]);
  gauge('nodejs_heap_size_used_bytes', 'Of it JavaScript.', [], () => [[[], process.memoryUsage().heapUsed]]);
  gauge('process_open_fds', 'Open handles; only where the system tells (Linux).', [], async () => {
    const handles = await readdir('/proc/self/fd').catch(() => null);
    return handles === null ? [] : [[[], handles.length]];
  });
}
