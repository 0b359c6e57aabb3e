import { promises } from '../../infra/history/promises.ts';
import { escaped } from './escape.ts';
import { figure } from './plots.ts';
import { isFailed, type Report } from './report.ts';

const FOUND_SHOWN = 20;
const style = `
  :root { color-scheme: light dark; --line: light-dark(#ddd, #444); --good: light-dark(#176b3a, #6fd79b); --bad: light-dark(#a3191f, #ff9a9a); }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
  h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
  .kept { color: var(--good); } .broken { color: var(--bad); }
  .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 1.5rem; }
  figure { margin: 0; } figcaption { font-weight: 600; }
  figure > svg { width: 100%; height: auto; } svg text { fill: currentColor; font-size: 12px; }
  svg .grid { stroke: var(--line); } svg g { fill: none; stroke-width: 2; } svg circle { stroke-dasharray: none; }
  .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; margin: 0; }
  .legend svg { width: 28px; height: 8px; margin-right: .4rem; }
  pre { overflow-x: auto; border: 1px solid var(--line); padding: 1rem; font-size: 13px; }
  td, th { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
`;

/** A report as one page that needs nothing else: no script, nothing from the network. */
export function page(report: Report): string {
  const failed = isFailed(report);
  const rows = [
    ...Object.entries(report.judgement).map(
      ([name, found]) => [promises[name as keyof typeof promises].keeps, found] as const,
    ),
    ...Object.entries(report.checks),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(report.title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(report.title)}</h1>
<p class="${failed ? 'broken' : 'kept'}">${failed ? 'Something was not as it was to be.' : 'All was as it was to be.'}</p>
<div class="plots">
${report.plots.map(figure).join('\n')}
</div>
<h2>What was judged</h2>
<table>
${rows.map(([name, found]) => row(name, found)).join('\n')}
</table>
<h2>In words</h2>
<pre>${escaped(report.lines.join('\n'))}</pre>
</body>
</html>
`;
}

function row(name: string, found: readonly string[]): string {
  const more = found.length > FOUND_SHOWN ? [`… and ${found.length - FOUND_SHOWN} more`] : [];
  const told = [...found.slice(0, FOUND_SHOWN), ...more].map((text) => `<br>${escaped(text)}`).join('');
  const verdict = found.length === 0 ? ['kept', 'kept'] : ['broken', 'BROKEN'];
  return `<tr><td class="${verdict[0]}">${verdict[1]}</td><td>${escaped(name)}${told}</td></tr>`;
}
