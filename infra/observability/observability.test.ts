import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');

/** As GitHub makes them of headings. */
const anchorsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

/** The alerts of a file that is written as alerts.yml is. */
const alertsOf = (rules: string): { alert: string; expr: string; text: string }[] =>
  rules
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((text) => ({
      alert: text.slice(0, text.indexOf('\n')),
      expr: /^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/m.exec(text)?.slice(1).find(Boolean) ?? '',
      text,
    }));

test('every alert asks for something, waits, is of a known severity, and names a place of the runbook that there is', async () => {
  const alerts = alertsOf(await read('./alerts.yml'));
  const anchors = anchorsOf(await read('../../RUNBOOK.md'));
  expect(alerts.length).toBeGreaterThan(10);
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  for (const { alert, expr, text } of alerts) {
    expect(expr.trim(), alert).not.toBe('');
    expect(text, alert).toMatch(/^ {8}for: \d+[sm]$/m);
    expect(text, alert).toMatch(/^ {8}labels: \{ severity: (?:warning|critical) \}$/m);
    expect(text, alert).toMatch(/^ {10}summary: ".+"$/m);
    const anchor = /^ {10}runbook: "RUNBOOK\.md#(.+)"$/m.exec(text)?.[1];
    expect(anchors, alert).toContain(anchor);
  }
});

test('the runbook says of every alert what to do, and of none that there is not', async () => {
  const alerts = alertsOf(await read('./alerts.yml')).map(({ alert }) => alert);
  const runbook = await read('../../RUNBOOK.md');
  const section = runbook.split('### Alerts\n')[1]?.split(/^##/m)[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const told = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, alert]) => alert),
  );
  expect(told.sort()).toEqual(alerts.sort());
});

test('a full shop is no excuse for a queue that stands still while turns cannot be given', async () => {
  const alerts = alertsOf(await read('./alerts.yml'));
  const expr = alerts.find(({ alert }) => alert === 'QueueStandsStill')?.expr ?? '';
  const excuse = expr.split(/unless on \(sale\)/)[1] ?? '';
  expect(excuse).toContain('admit_one_held_back');
  expect(excuse).toMatch(/unless on \(\) sum\(rate\(admit_one_redis_errors_total\{script="give-turns"\}/);
});

test('brackets of every expression close, in rules and dashboard alike', async () => {
  const dashboard = JSON.parse(await read('./dashboard.json')) as {
    panels: { id: number; title: string; targets: { expr: string }[] }[];
  };
  const exprs = [
    ...alertsOf(await read('./alerts.yml')).map(({ expr }) => expr),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ];
  for (const expr of exprs) {
    const open: string[] = [];
    for (const char of expr.replace(/"[^"]*"/g, '')) {
      if ('([{'.includes(char)) open.push(char);
      else if (')]}'.includes(char)) expect('([{'.indexOf(open.pop() ?? ''), expr).toBe(')]}'.indexOf(char));
    }
    expect(open, expr).toEqual([]);
  }
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(panels.every(({ title, targets }) => title !== '' && targets.length > 0)).toBe(true);
});
