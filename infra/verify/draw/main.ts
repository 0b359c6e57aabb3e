import { parseArgs } from 'node:util';
import { DrawAnswer } from '#shared/contract/queue.ts';
import type { Beacon } from '#shared/contract/sale.ts';
import { fetchBeacon } from '../../../gateway/lobby/beacon.ts';
import type { Step } from '../../../gateway/lobby/judgement.ts';
import { judgeWithWitness } from './judge.ts';

const FETCH_MS_MAX = 120_000;
/** A draw of some fourteen million. */
const DRAW_BYTES_MAX = 200 * 1024 * 1024;

const usage = `npm run verify-draw -- URL [options]

Recomputes the draw of a sale from what is published about it: URL is the sale's page, its draw page, or its address in
the API. Ends with 0 when nothing is broken, with 1 when something is, with 2 when it could not look, or nothing is drawn.

  --commitment HEX  the fingerprint of the seed that you noted before the lobby opened
  --digest HEX      the digest of the lobby that you noted before the beacon was known
  --id ID           an entry: its queue number
  --no-beacon       do not ask the beacon's own source`;

type Deps = { fetchValue?: (beacon: Beacon) => Promise<string>; say?: (line: string) => void };

const marks: Record<Step['kind'], string> = { proven: 'proven  ', broken: 'BROKEN  ', open: 'not shown' };

/** `npm run verify-draw -- URL`: resolves to the exit code. */
export async function main(
  { args }: { root: string; args: string[] },
  { fetchValue = fetchBeacon, say = console.log }: Deps = {},
): Promise<number> {
  const refuse = (why: string): 2 => {
    process.stderr.write(`${why}\n`);
    return 2;
  };
  let draw: DrawAnswer;
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${usage}`);
  }
  try {
    draw = await fetchDraw(options.url);
  } catch (error) {
    return refuse(`${options.url} could not be read: ${reasonOf(error)}`);
  }
  say(`The draw of sale ${options.sale}, from ${options.url}`);
  say(`Commitment  ${draw.commitment ?? '(none)'}`);
  if (draw.digest !== null) say(`Digest      ${draw.digest}`);
  if (draw.state !== 'drawn') {
    if (draw.state === 'unproven') {
      return refuse(
        'This draw proves nothing: the shop has lost it with its data. Numbers that fans had been shown stay theirs, the others were given by chance, and nobody can compute the order again.',
      );
    }
    return refuse(
      draw.state === 'none'
        ? 'This sale has no lobby, so there is no draw.'
        : `Nothing is drawn yet (${draw.state}). Note what stands above, and come back with it.`,
    );
  }

  if (draw.seed !== null) say(`Seed        ${draw.seed}`);
  if (draw.beacon !== null) say(`Beacon      ${draw.beacon}`);
  let beacon: string | null = null;
  if (options.asksBeacon && draw.beaconSource?.url && draw.beacon !== null) {
    beacon = await fetchValue(draw.beaconSource).catch((error: unknown) => {
      say(`The beacon's source could not be asked: ${reasonOf(error)}`);
      return null;
    });
  }
  let isBroken = false;
  for await (const { kind, text } of judgeWithWitness(draw, { ...options, beacon })) {
    say(`  ${marks[kind].padEnd(9)}  ${text}`);
    isBroken ||= kind === 'broken';
  }
  say(isBroken ? 'This draw is not what it says.' : 'The draw is what it says, as far as it is shown above.');
  return isBroken ? 1 : 0;
}

function readOptions(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      commitment: { type: 'string' },
      digest: { type: 'string' },
      id: { type: 'string' },
      'no-beacon': { type: 'boolean', default: false },
    },
  });
  const [address, ...rest] = positionals;
  if (address === undefined || rest.length > 0) throw new Error('Name the one address of a sale.');
  const { 'no-beacon': noBeacon, commitment, digest, id } = values;
  return {
    ...drawOf(address),
    asksBeacon: !noBeacon,
    commitment: commitment?.toLowerCase(),
    digest: digest?.toLowerCase(),
    id,
  };
}

/** The sale that an address of its pages or of the API names, and where its draw is. */
function drawOf(address: string): { sale: string; url: string } {
  if (!URL.canParse(address)) throw new Error(`${address} is not an address.`);
  const url = new URL(address);
  const named = /^(?<before>.*?)(?:\/api)?\/sales\/(?<sale>[\w-]{1,40})(?:\/.*)?$/.exec(url.pathname)?.groups;
  const { before, sale } = named ?? {};
  if (!sale || !/^https?:$/.test(url.protocol)) throw new Error(`${address} is not the address of a sale.`);
  return { sale, url: `${url.origin}${before}/api/sales/${sale}/draw` };
}

async function fetchDraw(url: string): Promise<DrawAnswer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS_MAX) });
  if (!response.ok) throw new Error(`it answers ${response.status}`);
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > DRAW_BYTES_MAX) throw new Error(`it is longer than ${DRAW_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return DrawAnswer.parse(JSON.parse(Buffer.concat(pieces).toString('utf8')));
}

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message || String(error);
};
