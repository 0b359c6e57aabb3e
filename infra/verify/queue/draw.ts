import { createHash, createHmac } from 'node:crypto';

export type PublishedDraw = {
  seed: string;
  commitment: string;
  digest: string;
  beacon: string | null;
  ids: string[];
};

/**
 * What is wrong with a draw, in sentences; empty when it proves itself. Written down here once more instead of calling
 * what made the draw: anybody could have written it from the description (ARCHITECTURE.md, the lobby).
 */
export function faultsOfDraw({ seed, commitment, digest, beacon, ids }: PublishedDraw): string[] {
  const faults: string[] = [];
  const seedBytes = Buffer.from(seed, 'hex');
  if (createHash('sha256').update(seedBytes).digest('hex') !== commitment)
    faults.push('the seed is not the one whose SHA-256 was published before the lobby opened');
  if (new Set(ids).size !== ids.length) faults.push('an entry was drawn twice');
  if (!ids.every((id) => /^[\w-]{11}$/.test(id))) faults.push('something was drawn that is not an id');

  const lobby = createHash('sha256')
    .update([...ids].sort().join('\n'))
    .digest();
  if (lobby.toString('hex') !== digest) faults.push('the drawn entries are not those of the frozen lobby');
  const key = Buffer.concat([seedBytes, lobby, Buffer.from(beacon ?? '', 'utf8')]);
  const rankOf = new Map(ids.map((id) => [id, createHmac('sha256', key).update(id).digest()]));
  const wrong = ids.findIndex(
    (id, i) => i > 0 && Buffer.compare(rankOf.get(ids[i - 1] as string)!, rankOf.get(id)!) > 0,
  );
  if (wrong !== -1) faults.push(`number ${wrong + 1} stands behind one that comes later in the drawn order`);
  return faults;
}
