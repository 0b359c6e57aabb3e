import { createHash, createHmac } from 'node:crypto';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { judgeDraw, type Means, type Step } from '../../../gateway/lobby/judgement.ts';
import { draw as words } from '../../../gateway/pages/texts/en/draw.ts';
import { sayIn } from '../../../gateway/pages/words.ts';

/** What somebody has of a draw besides what is published about it now. */
export type Witness = {
  /** Whose draw was asked for. */
  sale: string;
  /** Noted before the lobby opened; undefined when nobody noted it. */
  commitment?: string | undefined;
  /** Noted before the beacon's moment. */
  digest?: string | undefined;
  /** The id of an entry that is looked for. */
  id?: string | undefined;
  /** What the beacon's source says; null when it was not asked, or did not answer. */
  beacon: string | null;
};

/** By node:crypto, which has no part in the making of a draw. */
const means: Means = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest('hex'),
  hmacSha256: (key) => (message) => createHmac('sha256', key).update(message).digest(),
  pause: async () => undefined,
  say: sayIn('en', words.steps),
};

/** A published draw, step by step: what is proven, what is broken, and what stays open. */
export async function* judgeWithWitness(draw: DrawAnswer, witness: Witness): AsyncGenerator<Step> {
  yield* judgeDraw(witness.sale, draw, means);
  const { commitment, digest, ids, beaconSource, withoutBeacon } = draw;
  const open = (text: string): Step => ({ kind: 'open', text });
  const judged = (holds: boolean, proven: string, broken: string): Step =>
    holds ? { kind: 'proven', text: proven } : { kind: 'broken', text: broken };

  if (witness.commitment === undefined && draw.recommittedAt !== null)
    yield open('That this commitment stood there at that time: compare it with one that was noted.');
  else if (witness.commitment === undefined)
    yield open(
      'That this commitment stood there before the lobby opened: compare it with one that was noted.',
    );
  else
    yield judged(
      witness.commitment === commitment,
      'The commitment is the one that was noted.',
      `The commitment that was noted is ${witness.commitment}, and ${commitment} is published.`,
    );
  if (witness.digest !== undefined)
    yield judged(
      witness.digest === digest,
      'The digest is the one that was noted.',
      `The digest that was noted is ${witness.digest}, and ${digest} is published.`,
    );
  if (draw.entries !== 0) {
    if (!beaconSource)
      yield open(
        'That the operator did not try several seeds or lobbies: no public value from after the opening was named.',
      );
    else if (!withoutBeacon && witness.digest === undefined)
      yield open(
        'That this digest stood there before the beacon was known: compare it with one that was noted.',
      );
    yield* judgeValue(draw, witness);
  }
  if (witness.id !== undefined) {
    const number = (ids?.indexOf(witness.id) ?? -1) + 1;
    yield judged(
      number > 0,
      `The entry ${witness.id} has the queue number ${number}.`,
      `The entry ${witness.id} was not drawn.`,
    );
  }
  yield open('That everybody in the lobby is a person of their own: nobody can tell from ids.');
}

/** Whether the value is the one that its source gives: the only step that takes more than the draw itself. */
function* judgeValue({ beacon, beaconSource }: DrawAnswer, witness: Witness): Generator<Step> {
  if (beacon === null || !beaconSource) return;
  const { name, rule, url } = beaconSource;
  if (witness.beacon === null)
    yield { kind: 'open', text: `That ${beacon} is the value of “${name}” (${rule}): look it up.` };
  else if (witness.beacon === beacon) yield { kind: 'proven', text: `${beacon} is what ${url} says.` };
  else yield { kind: 'broken', text: `${url} says ${witness.beacon}, and ${beacon} was used.` };
}
