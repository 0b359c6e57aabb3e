import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { junitXml } from './junit.ts';
import { page } from './page.ts';
import type { Report } from './report.ts';

/** Leaves a report in the folder, in every form. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { title, judgement, checks, figures } = report;
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await writeFile(join(folder, 'verdict.txt'), `${report.lines.join('\n')}\n`);
  await writeFile(join(folder, 'verdict.json'), json(judgement));
  await writeFile(join(folder, 'junit.xml'), junitXml(report));
  await writeFile(join(folder, 'report.html'), page(report));
  await writeFile(join(folder, 'report.json'), json({ title, judgement, checks, figures }));
}
