import type { SaleState } from '#shared/contract/sale.ts';
import { gauge, type Sample } from '#shared/metrics/registry.ts';
import type { Door } from './door/door.ts';
import type { QueueSnapshot } from './queue/snapshot.ts';
import type { QueueWatch } from './queue/watch.ts';

/** Of more sales at once the liveliest are told. */
const SALES_MAX = 50;
const LIVELIEST_FIRST: SaleState[] = ['open', 'paused', 'lobby', 'soldOut', 'scheduled', 'closed'];

/**
 * What this gateway knows of queues, told when asked. All gateways look at the same Redis, so figures of a sale are the same
 * everywhere but for their age: of several the largest is taken, not their sum.
 */
export function countQueues(options: {
  watch: Pick<QueueWatch, 'sales' | 'remembered' | 'isAlive'>;
  door: Pick<Door, 'underWay'>;
  fanStreams: { count: () => number };
  statsStreams: { count: () => number };
}): void {
  const { watch, door, fanStreams, statsStreams } = options;

  const bySale = (samples: (snapshot: QueueSnapshot) => [rest: string[], value: number][]) => (): Sample[] =>
    liveliest(watch).flatMap((snapshot) =>
      samples(snapshot).map(([rest, value]): Sample => [[snapshot.definition.sale, ...rest], value]),
    );

  gauge(
    'admit_one_fans',
    'Fans of a sale by state; lobby, waiting, ready (returning ones apart), admitted.',
    ['sale', 'state'],
    bySale(({ lobby, waiting, ready, returning, admitted }) =>
      Object.entries({ lobby, waiting, ready, returning, admitted }).map(([state, count]) => [
        [state],
        count,
      ]),
    ),
  );
  gauge(
    'admit_one_capacity',
    'The most admissions of a sale at once.',
    ['sale'],
    bySale(({ definition }) => [[[], definition.capacity]]),
  );
  gauge(
    'admit_one_turns_last_minute',
    'Turns that a sale gave in the last minute, by all gateways.',
    ['sale'],
    bySale(({ turnsLastMinute }) => [[[], turnsLastMinute]]),
  );
  gauge(
    'admit_one_sale_state',
    'In which state a sale is (1).',
    ['sale', 'state'],
    bySale(({ state }) => [[[state], 1]]),
  );
  gauge(
    'admit_one_held_back',
    'What the next turn of a sale with fans who wait is held back by (1).',
    ['sale', 'reason'],
    bySale(({ heldBackBy, waiting }) => (heldBackBy === '' || waiting === 0 ? [] : [[[heldBackBy], 1]])),
  );
  gauge(
    'admit_one_recovering',
    'Whether places of a sale are being brought back after a loss of Redis (1).',
    ['sale'],
    bySale(({ recovering }) => [[[], recovering ? 1 : 0]]),
  );
  gauge(
    'admit_one_unsaved_changes',
    'Changes of a sale that are in effect and not in PostgreSQL yet.',
    ['sale'],
    bySale(({ unsavedChanges }) => [[[], unsavedChanges]]),
  );
  gauge(
    'admit_one_snapshot_age_seconds',
    'How old what this gateway knows of a sale is.',
    ['sale'],
    bySale(({ readAt }) => [[[], (performance.now() - readAt) / 1000]]),
  );
  gauge('admit_one_redis_up', 'Whether Redis has answered in the last two seconds.', [], () => [
    [[], watch.isAlive() ? 1 : 0],
  ]);
  gauge('admit_one_streams', 'Open streams.', ['of'], () => [
    [['fans'], fanStreams.count()],
    [['organisers'], statsStreams.count()],
  ]);
  gauge('admit_one_door_requests_under_way', 'Requests to the shop without an answer yet.', ['kind'], () => {
    const { requests, payments } = door.underWay();
    return [
      [['payment'], payments],
      [['other'], requests - payments],
    ];
  });
}

function liveliest(watch: Pick<QueueWatch, 'sales' | 'remembered'>): QueueSnapshot[] {
  const snapshots = watch.sales().flatMap((sale) => watch.remembered(sale) ?? []);
  const rank = ({ state }: QueueSnapshot) => LIVELIEST_FIRST.indexOf(state);
  return snapshots.sort((a, b) => rank(a) - rank(b) || b.waiting - a.waiting).slice(0, SALES_MAX);
}
