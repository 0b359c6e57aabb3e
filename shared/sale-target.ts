const PREFIX = '/api/sales/';

/**
 * The sale of `/api/sales/:sale` and what follows it, in its one plain spelling, as it is looked for ahead of the router; null for
 * any other target. What stands in place of a sale may be anything.
 */
export function saleOfTarget(target: string, suffix: string): string | null {
  if (!target.startsWith(PREFIX) || !target.endsWith(suffix)) return null;
  return target.slice(PREFIX.length, -suffix.length);
}
