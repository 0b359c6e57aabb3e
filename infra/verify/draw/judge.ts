import type { DrawAnswer } from '#shared/contract/queue.ts';
import { faultsOfDraw } from '../queue/draw.ts';

/** What somebody has of a draw besides what is published about it now. */
export type Witness = {
  /** Noted before the lobby opened; undefined when nobody noted it. */
  commitment?: string | undefined;
  /** Noted before the beacon's moment. */
  digest?: string | undefined;
  /** The id of an entry that is looked for. */
  id?: string | undefined;
  /** What the beacon's source says; null when it was not asked, or did not answer. */
  beacon: string | null;
};

export type Step = { kind: 'proven' | 'broken' | 'open'; text: string };

/** A published draw, step by step: what is proven, what is broken, and what stays open. */
export function judgeDraw(draw: DrawAnswer, witness: Witness): Step[] {
  const steps: Step[] = [];
  const say = (kind: Step['kind'], text: string) => steps.push({ kind, text });
  const compare = (holds: boolean, proven: string, broken: string) =>
    holds ? say('proven', proven) : say('broken', broken);
  const { seed, commitment, digest, ids, beacon, beaconSource, withoutBeacon, entries } = draw;
  if (seed === null || commitment === null || digest === null || ids === null)
    throw new Error('this draw is not published yet');

  const faults = faultsOfDraw({ seed, commitment, digest, beacon, ids });
  if (ids.length !== entries)
    faults.push(`${entries} were in the frozen lobby, and ${ids.length} were drawn`);
  for (const fault of faults) say('broken', `${fault[0]?.toUpperCase()}${fault.slice(1)}.`);
  if (faults.length === 0) {
    say('proven', `The seed ${seed} has the SHA-256 that is published as its commitment.`);
    say('proven', `The ${ids.length} ids, sorted, have the SHA-256 that is published as the lobby's digest.`);
    say('proven', `Their order is the one that seed, digest${beacon === null ? '' : ' and beacon'} give.`);
  }

  if (witness.commitment === undefined)
    say(
      'open',
      'That this commitment stood there before the lobby opened: compare it with one that was noted.',
    );
  else
    compare(
      witness.commitment === commitment,
      'The commitment is the one that was noted.',
      `The commitment that was noted is ${witness.commitment}, and ${commitment} is published.`,
    );
  if (witness.digest !== undefined)
    compare(
      witness.digest === digest,
      'The digest is the one that was noted.',
      `The digest that was noted is ${witness.digest}, and ${digest} is published.`,
    );
  judgeBeacon(draw, witness, say);
  if (beaconSource && !withoutBeacon && witness.digest === undefined && ids.length > 0)
    say(
      'open',
      'That this digest stood there before the beacon was known: compare it with one that was noted.',
    );
  if (witness.id !== undefined) {
    const number = ids.indexOf(witness.id) + 1;
    compare(
      number > 0,
      `The entry ${witness.id} has the queue number ${number}.`,
      `The entry ${witness.id} was not drawn.`,
    );
  }
  say('open', 'That everybody in the lobby is a person of their own: nobody can tell from ids.');
  return steps;
}

function judgeBeacon(
  { beacon, beaconSource, withoutBeacon, frozenAt, ids }: DrawAnswer,
  witness: Witness,
  say: (kind: Step['kind'], text: string) => void,
): void {
  if (ids?.length === 0) return;
  if (!beaconSource) {
    if (beacon !== null) say('broken', 'A beacon was used that had not been named.');
    say(
      'open',
      'That the operator did not try several seeds or lobbies: no public value from after the opening was named.',
    );
    return;
  }
  if (withoutBeacon) {
    say(
      'open',
      `That the operator did not choose the outcome: “${beaconSource.name}” was named, and the draw was made without it on ${withoutBeacon.at}, for this reason: “${withoutBeacon.reason}”.`,
    );
    return;
  }
  if (beacon === null) say('broken', `“${beaconSource.name}” was named, and no value of it was used.`);
  else if (witness.beacon === null)
    say('open', `That ${beacon} is the value of “${beaconSource.name}” (${beaconSource.rule}): look it up.`);
  else if (witness.beacon === beacon) say('proven', `${beacon} is what ${beaconSource.url} says.`);
  else say('broken', `${beaconSource.url} says ${witness.beacon}, and ${beacon} was used.`);
  if (frozenAt !== null && frozenAt >= beaconSource.from)
    say(
      'broken',
      `The lobby was frozen at ${frozenAt}, when the beacon, known from ${beaconSource.from} on, could be known.`,
    );
}
