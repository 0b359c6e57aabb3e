import { afterAll, beforeAll, expect, test } from 'vitest';
import { adoptEntry } from '../queue/adopt.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import { goBack, joinMany, loseEverything, RECOVERY_SECONDS, saveQueue } from '../testing/losing-redis.ts';
import { type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

test.each([true, false])(
  'a number of the epoch before that is brought back by its ticket makes no era of its epoch (later loss: %s)',
  async (isLostAgain) => {
    const sale = await f.sale({ capacity: 1, graceSeconds: 900 });
    const gateway = await queueGateway(f.store);
    await gateway.look(sale);
    await gateway.queue.watch.stop();
    const fans = (await joinMany(gateway, sale, 3)) as [TestFan, TestFan, TestFan];
    await gateway.look(sale);
    const { definition } = gateway.queue.watch.remembered(sale)!;
    // Two more have joined at a gateway that died with Redis: only their tickets know.
    const told = [];
    for (const name of ['four', 'five']) {
      const { entry } = await takePlace(f.store, sale, { ticketEntry: null, keyEntry: name });
      const ticket = { sale, entry: entry.id, queueNumber: entry.queueNumber as number, epoch: 1 };
      told.push({ ...fans[0], version: 0, ticket });
    }
    const [four, five] = told as [TestFan, TestFan];
    expect([four.ticket.queueNumber, five.ticket.queueNumber]).toEqual([4, 5]);
    await loseEverything(f, definition);
    await gateway.look(sale);
    for (const fan of fans) await gateway.poll(fan);
    await gateway.look(sale);
    expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 2, recovering: true, lastNumber: 3 });
    const saved = await saveQueue(f, sale);
    // The second one shows up at another gateway, and before this one has looked again somebody leaves here.
    expect(await adoptEntry(f.store, five.ticket, silentLog)).toMatchObject({ entry: { queueNumber: 5 } });
    await leavePlace(gateway.queue.store, sale, fans[2].ticket.entry);
    if (isLostAgain) {
      await goBack(f, sale, saved);
      f.pass(1);
      await gateway.look(sale);
      await gateway.look(sale);
      expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 3, recovering: true });
    }
    // The first one comes within the recovery.
    f.pass(isLostAgain ? RECOVERY_SECONDS / 2 : 20);
    await gateway.poll(four);
    f.pass(RECOVERY_SECONDS);
    await gateway.look(sale);
    expect(gateway.queue.watch.remembered(sale)).toMatchObject({ recovering: false });
    const after = await gateway.poll(four).then(
      ({ state, queueNumber, position }) => ({ state, queueNumber, position }),
      ({ code }) => code,
    );
    expect(after).toMatchObject({ state: 'waiting', queueNumber: 4 });
    await gateway.stop();
  },
);
