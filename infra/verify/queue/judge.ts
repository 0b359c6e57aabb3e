import { isSettled } from '#shared/contract/sale.ts';
import { type Bounds, FINDINGS_MAX, type Finding } from '../check.ts';
import type { QueueCheckName } from './checks.ts';
import { faultsOfDraw } from './draw.ts';
import type { EntryRecord, Figures, QueueReader, SeenEntry } from './read.ts';

/** After a fault heals turns flow again within this time (I14); gateways look five times a second. */
const IDLE_MS_MAX = 10_000;
/** The most turns that may be out beyond the free room, for those that nobody claims. */
const OVERBOOKED_SHARE_MAX = 0.1;
const HAD_A_TURN = ['ready', 'admitted', 'missed', 'expired', 'finished'];

export type QueueBounds = Bounds & {
  /** The most that the capacity has been while today's admissions were given; null when that is not known any more. */
  capacityInForce: (figures: Figures) => number | null;
};

export type QueueVerdict = {
  figures: Figures;
  findings: Map<QueueCheckName, Finding[]>;
  /** How many entries were looked at, those who wait included. */
  entries: number;
};

/** Looks at one sale's queue and judges it; null when the sale is not in Redis. Changes nothing. */
export async function judgeQueue(reader: QueueReader, bounds: QueueBounds): Promise<QueueVerdict | null> {
  const figures = await reader.figures();
  if (!figures) return null;
  const { sale } = reader;
  const findings = new Map<QueueCheckName, Finding[]>();
  const report = (check: QueueCheckName, about: string, text: string) => {
    const known = findings.get(check) ?? [];
    findings.set(check, known);
    if (known.length <= FINDINGS_MAX)
      known.push({ about: `${sale} ${about}`, text: `${text} (sale ${sale})` });
  };

  judgeFigures(figures, bounds, report);
  const owners = new Map<number, string>();
  const own = (number: number, id: string) => {
    const owner = owners.get(number);
    if (owner !== undefined && owner !== id)
      report('no-number-is-given-twice', String(number), `Number ${number} is of both ${owner} and ${id}`);
    owners.set(number, id);
  };

  for await (const page of reader.waitingPages(figures.last)) {
    for (const number of page.withoutBit)
      report('positions-are-exact', String(number), `Number ${number} waits, and its bit is 0`);
    for (const number of page.withoutMember)
      report(
        'positions-are-exact',
        String(number),
        `The bit of number ${number} is 1, and nobody waits there`,
      );
    for (const id of page.recorded)
      report('entries-are-where-they-say', id, `Entry ${id} waits and is recorded as something else too`);
    for (const { id, number } of page.ids) own(number, id);
  }
  // Whoever stopped waiting meanwhile is recorded by now: read in this order, nobody is missed.
  let lastTurn = { number: 0, id: '' };
  const seen = new Set<string>();
  for await (const page of reader.entries()) {
    for (const entry of page) {
      if (seen.has(entry.id)) continue;
      seen.add(entry.id);
      const fault = faultOfEntry(entry);
      if (fault) report('entries-are-where-they-say', entry.id, `Entry ${entry.id} ${fault}`);
      const number = entry.record?.number;
      if (!entry.record || number === undefined) continue;
      own(number, entry.id);
      if (HAD_A_TURN.includes(entry.record.state) && number > lastTurn.number)
        lastTurn = { number, id: entry.id };
    }
  }
  const after = (await reader.figures()) ?? figures;
  if (after.firstWaiting !== undefined && after.firstWaiting < lastTurn.number)
    report(
      'nobody-is-overtaken',
      String(after.firstWaiting),
      `Number ${after.firstWaiting} waits, and number ${lastTurn.number} (entry ${lastTurn.id}) has had its turn`,
    );
  if (figures.drawState === 'drawn') await judgeDraw(reader, figures, owners, report);
  await judgeNumbers(reader, figures, owners, report);
  const entries = seen.size + [...owners.values()].filter((id) => !seen.has(id)).length;
  return { figures, findings, entries };
}

type Report = (check: QueueCheckName, about: string, text: string) => void;

function judgeFigures(figures: Figures, bounds: QueueBounds, report: Report): void {
  const { now, joined, ended, lobby, waiting, ready, blocked, admitted } = figures;
  const counted = lobby + waiting + ready + blocked + admitted + ended;
  if (joined !== counted)
    report(
      'everybody-is-counted',
      'sum',
      `${joined} have joined, and ${counted} are somewhere: ${lobby} in the lobby, ${waiting} waiting, ${
        ready + blocked
      } ready, ${admitted} admitted, ${ended} ended`,
    );
  if (figures.outside > 0)
    report(
      'positions-are-exact',
      'outside',
      `${figures.outside} wait under numbers that were never given (${figures.last} was the last)`,
    );
  const capacity = bounds.capacityInForce(figures);
  if (capacity !== null && admitted > capacity)
    report('the-shop-is-not-overfull', 'admitted', `${admitted} are admitted, with room for ${capacity}`);
  // Turns given under an earlier, higher capacity were overbooked by what was stated then.
  const most = Math.floor((capacity ?? 0) * OVERBOOKED_SHARE_MAX);
  const overbooked = capacity === figures.capacity ? Math.min(figures.overbooked, most) : most;
  if (capacity !== null && ready + blocked + admitted > capacity + overbooked)
    report(
      'the-shop-is-not-overfull',
      'sum',
      `${ready + blocked} are ready and ${admitted} admitted, with room for ${capacity} and ${overbooked} overbooked`,
    );
  const { firstClaimBy, waitsUntil } = figures;
  const overdue: [string, number | undefined][] = [
    // While a lost queue is brought back no turn is missed, so that whoever holds one can show up.
    ['A turn', firstClaimBy === undefined ? undefined : Math.max(firstClaimBy, waitsUntil)],
    ['An admission', figures.firstExpiry],
  ];
  for (const [what, deadline] of overdue) {
    if (deadline !== undefined && deadline < now - IDLE_MS_MAX)
      report(
        'deadlines-act',
        what,
        `${what} should have ended ${Math.round((now - deadline) / 1000)} s ago and has not`,
      );
  }
  const lookedAfterAt = Math.max(figures.turnsGivenAt ?? 0, figures.opensAt, figures.waitsUntil);
  if (figures.state === 'open' && waiting > 0 && now - lookedAfterAt > IDLE_MS_MAX)
    report(
      'turns-flow',
      'idle',
      `${waiting} wait, and nobody has looked after their turns for ${Math.round((now - lookedAfterAt) / 1000)} s`,
    );
}

/**
 * After a loss of Redis' data nobody knows any more who had a number that had ended, only that it had; and who held the very
 * last numbers and did not show up has lapsed.
 */
async function judgeNumbers(
  reader: QueueReader,
  figures: Figures,
  owners: Map<number, string>,
  report: Report,
): Promise<void> {
  if (figures.recovering) return;
  const { drawState, drawPlaced, drawEntries } = figures;
  const undrawn = (number: number) => !isSettled(drawState) && number > drawPlaced && number <= drawEntries;
  for (let number = 1; number <= figures.last; number += 1) {
    if (owners.has(number) || undrawn(number) || number <= figures.restoredTo) continue;
    if (!(await reader.isRecorded(number)))
      report('no-place-is-lost', String(number), `Queue number ${number} was given and belongs to nobody`);
  }
}

async function judgeDraw(
  reader: QueueReader,
  { drawEntries }: Figures,
  owners: Map<number, string>,
  report: Report,
): Promise<void> {
  const draw = await reader.draw();
  if (draw.ids.length !== drawEntries)
    report(
      'the-draw-can-be-recomputed',
      'ids',
      `${drawEntries} were in the lobby, and ${draw.ids.length} of them are in the drawn order`,
    );
  for (const fault of faultsOfDraw(draw)) report('the-draw-can-be-recomputed', fault, `In the draw ${fault}`);
  for (const [i, id] of draw.ids.entries()) {
    const owner = owners.get(i + 1);
    // Who left before the order was written down has no number on record; it stays theirs, and empty.
    if (owner === undefined) owners.set(i + 1, id);
    else if (owner !== id)
      report(
        'the-draw-can-be-recomputed',
        String(i + 1),
        `Number ${i + 1} was drawn for ${id}, and ${owner} has it`,
      );
  }
}

/** How long an admission lasts, as prelude/endings.lua's deadlineOf has it. */
const deadlineOf = ({ expiresAt = 0, holdEnds = 0, exp = 0 }: EntryRecord): number =>
  Math.max(expiresAt, Math.min(holdEnds, exp * 1000));

/** What is wrong with an entry, to be read after its name; null when it is where it says. */
export function faultOfEntry(entry: SeenEntry): string | null {
  const { record } = entry;
  const places = (['waiting', 'ready', 'blocked', 'returning', 'admitted'] as const).filter(
    (place) => entry[place] !== null,
  );
  const expected = expectedPlace(record);
  const unexpected = places.filter((place) => place !== expected?.place);
  const state = record ? `is ${record.returning ? 'returning' : record.state}` : 'is not recorded';
  if (!record) {
    const stray = places.filter((place) => place !== 'waiting');
    return stray.length > 0 ? `${state} and stands among the ${stray.join(' and ')}` : null;
  }
  if (unexpected.length > 0) return `${state} and stands among the ${unexpected.join(' and ')}`;
  if (!expected) return null;
  const score = entry[expected.place];
  if (score === null) return `${state} and does not stand among the ${expected.place}`;
  if (score !== expected.score) return `${state} until ${expected.score} and stands there until ${score}`;
  return null;
}

function expectedPlace(record: EntryRecord | null) {
  if (record?.state === 'admitted') return { place: 'admitted', score: deadlineOf(record) } as const;
  if (record?.state === 'ready')
    return record.claimBy === undefined
      ? ({ place: 'blocked', score: record.number ?? 0 } as const)
      : ({ place: 'ready', score: record.claimBy } as const);
  if (record?.returning) return { place: 'returning', score: record.number ?? 0 } as const;
  return null;
}
