import { FINDINGS_MAX } from './check.ts';
import type { Result, Verdict } from './verify.ts';

const FINDINGS_SHOWN = 10;
const number = (n: number) => n.toLocaleString('en');

/** A verdict for people: a line for each promise, then what was found and what it means. */
export function describeVerdict(verdict: Verdict): string {
  const { looked, audit, results, tookMs } = verdict;
  const promises = [...new Set(results.map(({ promise }) => promise))].sort(
    (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
  );
  const lines = [
    `Looked at ${number(looked.events)} events with ${number(looked.seats)} seats, ${number(looked.orders)} orders, ${number(looked.holds)} holds,`,
    `${number(looked.sales)} sales with ${number(looked.entries)} queue entries (${(tookMs / 1000).toFixed(1)} s).`,
    ...(audit ? [`The audit has ${number(audit.number)} rows; --audit ${audit.number}:${audit.chain}`] : []),
    '',
  ];
  for (const promise of promises) {
    const checks = results.filter((result) => result.promise === promise);
    for (const [i, { keeps, findings }] of checks.entries()) {
      const verdictOf = findings.length === 0 ? 'kept  ' : 'BROKEN';
      lines.push(`  ${(i === 0 ? promise : '').padEnd(4)} ${verdictOf}  ${keeps}`);
    }
  }
  const broken = results.filter(({ findings }) => findings.length > 0);
  lines.push('', ...broken.flatMap(describeBreach));
  lines.push(
    broken.length === 0
      ? 'Every promise is kept.'
      : `${broken.length === 1 ? 'One check has' : `${broken.length} checks have`} found something.`,
  );
  return lines.join('\n');
}

function describeBreach({ promise, name, keeps, means, findings }: Result): string[] {
  const shown = findings.slice(0, FINDINGS_SHOWN).map(({ text }) => `    ${text}.`);
  const more = findings.length - shown.length;
  const count = findings.length > FINDINGS_MAX ? `more than ${FINDINGS_MAX}` : String(findings.length);
  return [
    `${promise} is broken: ${keeps} — ${count} found (${name})`,
    ...shown,
    ...(more > 0
      ? [
          `    … and ${findings.length > FINDINGS_MAX ? `many more; --json lists ${findings.length}` : `${more} more; --json lists them`}.`,
        ]
      : []),
    `  ${means}`,
    '',
  ];
}
