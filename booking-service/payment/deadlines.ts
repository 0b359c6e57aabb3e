import { setTimeout as delay } from 'node:timers/promises';
import type { PaymentProvider } from './provider.ts';

/** Well inside ORDER_LEASE_MS, so that an attempt has given up before another takes its order over. */
export const PAYMENT_ANSWER_MS_MAX = 4_000;

/** A provider that may hang, as one that answers or throws in time: what a late command did is unknown. */
export function withDeadlines(
  provider: PaymentProvider,
  answerMsMax = PAYMENT_ANSWER_MS_MAX,
): PaymentProvider {
  const inTime = async <Answer>(command: string, answer: Promise<Answer>): Promise<Answer> => {
    const late = new AbortController();
    const tooLate = delay(answerMsMax, undefined, { signal: late.signal }).then(() => {
      throw new Error(`The payment provider has not answered ${command} in ${answerMsMax} ms.`);
    });
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      late.abort();
      tooLate.catch(() => undefined);
    }
  };
  return {
    authorise: (payment, token) => inTime('authorise', provider.authorise(payment, token)),
    capture: (order) => inTime('capture', provider.capture(order)),
    cancel: (order) => inTime('cancel', provider.cancel(order)),
    refund: (order) => inTime('refund', provider.refund(order)),
    lookUp: (order) => inTime('lookUp', provider.lookUp(order)),
  };
}
