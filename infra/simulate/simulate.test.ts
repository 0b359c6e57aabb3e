import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBooking, type TestBooking } from '../../booking-service/testing/booking.ts';
import { type QueueFixture, queueFixture } from '../../gateway/testing/queue-fixture.ts';
import { simulateQueue } from './queue.ts';
import { simulateShop } from './shop.ts';

const SEEDS = Number(process.env.SEEDS ?? 50);

describe('the shop', () => {
  let booking: TestBooking;
  beforeAll(async () => {
    booking = await startBooking();
  });
  afterAll(() => booking.stop());

  test('whatever comes between which steps, and whoever dies there, the books are right in the end', async () => {
    for (let i = 0; i < SEEDS; i += 1) {
      const { faults, steps } = await simulateShop(booking, String(i));
      expect(faults, `seed ${i}\n${steps.join('\n')}`).toEqual([]);
    }
  }, 120_000);
});

describe('the queue', () => {
  let f: QueueFixture;
  beforeAll(async () => {
    f = await queueFixture();
  });
  afterAll(() => f.close());

  test('whatever comes between which scripts, and whichever gateway dies there, every promise holds after each', async () => {
    for (let i = 0; i < SEEDS; i += 1) {
      const { faults, steps } = await simulateQueue(f, String(i));
      expect(faults, `seed ${i}\n${steps.join('\n')}`).toEqual([]);
    }
  }, 120_000);
});
