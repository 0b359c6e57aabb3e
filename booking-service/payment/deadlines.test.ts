import { expect, test } from 'vitest';
import { withDeadlines } from './deadlines.ts';
import type { PaymentProvider } from './provider.ts';

const never = () => new Promise<never>(() => undefined);
const hanging: PaymentProvider = {
  authorise: never,
  capture: never,
  cancel: never,
  refund: never,
  lookUp: never,
};

test('a provider that hangs is given up, whatever it was asked', async () => {
  const provider = withDeadlines(hanging, 20);
  const payment = { order: 'o', amount: 1, currency: 'EUR' };
  await expect(provider.authorise(payment, 'tok')).rejects.toThrow('authorise');
  await expect(provider.capture('o')).rejects.toThrow('capture');
  await expect(provider.cancel('o')).rejects.toThrow('cancel');
  await expect(provider.refund('o')).rejects.toThrow('refund');
  await expect(provider.lookUp('o')).rejects.toThrow('lookUp');
});

test('an answer in time is the answer', async () => {
  const provider = withDeadlines({ ...hanging, lookUp: async () => 'captured' }, 1_000);
  expect(await provider.lookUp('o')).toBe('captured');
});
