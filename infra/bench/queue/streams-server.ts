/** The gateway as it is. Tells what its process has used; asked for memory, once no garbage is left. */
await import('../../../gateway/main.ts');

process.on('message', ({ memory }: { memory: boolean }) => {
  if (memory) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({ heapBytes: heapUsed + external, rssBytes: rss, cpuMicros: user + system });
});
