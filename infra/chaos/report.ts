import type { Asked } from '../history/recorder.ts';
import { columns } from '../report/columns.ts';
import type { Injected } from './campaign.ts';
import type { Fault } from './fault.ts';
import type { Verdict } from './verdict.ts';

const BREACHES_SHOWN = 40;

/** The verdict for people: a line for each fault, then what was broken and how to come to it again. */
export function describe(verdict: Verdict, known: readonly Fault[], again: string): string {
  const { injected, asked, tally, seed, breaches, late, settledMs, orders, mails } = verdict;
  const names = new Set(injected.map(({ fault }) => fault.name));
  const rows = [...names].map((name) => row(name, injected, asked));
  const notInjected = known.filter(({ name }) => !names.has(name));
  return [
    `${injected.length} faults under load, seed ${seed}; ${asked.length.toLocaleString('en')} requests, ${orders} orders, ${mails.sent} mails sent (${mails.acceptedTwice} of them accepted twice); all settled ${(settledMs / 1_000).toFixed(1)} s after the last.`,
    '',
    ...columns([
      [
        '',
        'times',
        'turns after, s',
        'meanwhile',
        'done',
        'refused',
        '503',
        'no answer',
        'worst, s',
        'breaches',
      ],
      ...rows,
    ]),
    '',
    ...notInjected.map(({ name, leftOut }) => `Not injected: ${name}${leftOut ? ` (${leftOut})` : ''}`),
    `Besides: ${[...tally].map(([what, times]) => `${times} × ${what}`).join(', ') || 'nothing'}`,
    `Answers later than promised while nothing was away: ${late.length}`,
    ...late.slice(0, 3).map((text) => `  ${text}`),
    ...breaches.slice(0, BREACHES_SHOWN).map((breach) => `  ${breach}`),
    breaches.length === 0
      ? 'Every promise was kept.'
      : `${breaches.length} breaches. The same choices again: ${again}`,
  ].join('\n');
}

/** How often, the worst time until turns flowed again, turns given while it lasted, and what was answered then. */
function row(name: string, injected: readonly Injected[], asked: readonly Asked[]): string[] {
  const those = injected.filter(({ fault }) => fault.name === name);
  const met = asked.filter(({ sentAt, tookMs }) =>
    those.some(({ from, to }) => from <= sentAt + tookMs && to >= sentAt),
  );
  const after = those.map(({ turnsAfterMs }) => turnsAfterMs ?? Number.POSITIVE_INFINITY);
  const count = (is: (each: Asked) => boolean) => String(met.filter(is).length);
  return [
    name,
    String(those.length),
    (Math.max(...after) / 1_000).toFixed(1),
    String(those.reduce((sum, { turnsMeanwhile }) => sum + turnsMeanwhile, 0)),
    count(({ outcome }) => outcome === 'done'),
    count(({ outcome }) => outcome === 'refused'),
    count(({ status }) => status === 503),
    count(({ status }) => status === 0),
    (met.reduce((most, { tookMs }) => Math.max(most, tookMs), 0) / 1_000).toFixed(1),
    String(those.reduce((sum, { breaches }) => sum + breaches.length, 0)),
  ];
}
