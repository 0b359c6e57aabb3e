import { say } from '../local/progress.mjs';

const MS_PER_SECOND = 1000;

/** Where everything is, in the words of the project. */
export function announce({ settings, env, tookMs }) {
  const first = settings.publicUrl;
  const rows = [['Fans', `${first}/sales/demo`]];
  if (env.NODE_ENV === 'development' && !env.SMTP_URL) rows.push(['Sent mail', `${first}/dev/mail`]);
  rows.push(['Organisers', `${first}/organiser`]);
  rows.push(['Organiser API', `${first}/api/organiser (see README, by hand)`]);
  rows.push(['Organiser key', env.ORGANISER_KEY ?? 'one of ORGANISER_KEYS']);
  for (const url of settings.gatewayUrls.filter((each) => each !== first))
    rows.push([settings.proxy ? 'Gateway behind it' : 'Further gateway', url]);
  const width = Math.max(...rows.map(([label]) => label.length));
  say(`\nAdmit One is running (${(tookMs / MS_PER_SECOND).toFixed(1)} s)\n`);
  for (const [label, value] of rows) say(`  ${label.padEnd(width)}  ${value}`);
  say('\nCtrl-C stops everything it started.');
}
