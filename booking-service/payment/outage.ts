import type { PaymentProvider } from './provider.ts';

/** So many orders in a row for which a provider had no answer are an outage; fewer may be trouble of their own. */
const ORDERS_FAILED_MIN = 3;

export type OutageWatch = {
  /** The provider, looked at. */
  payments: PaymentProvider;
  /** Whether it is away. */
  isAway: () => boolean;
  /** Whether it has come back since this was asked last. */
  hasComeBack: () => boolean;
};

/** Notices, by what a provider is asked anyway, that it is away, and that it is back: at the first answer after that. */
export function watchOutage(provider: PaymentProvider): OutageWatch {
  const failed = new Set<string>();
  let cameBack = false;
  const isAway = () => failed.size >= ORDERS_FAILED_MIN;
  const noticing = async <Answer>(order: string, answer: Promise<Answer>): Promise<Answer> => {
    try {
      const given = await answer;
      cameBack ||= isAway();
      failed.clear();
      return given;
    } catch (error) {
      if (!isAway()) failed.add(order);
      throw error;
    }
  };
  return {
    payments: {
      authorise: (payment, token) => noticing(payment.order, provider.authorise(payment, token)),
      capture: (order) => noticing(order, provider.capture(order)),
      cancel: (order) => noticing(order, provider.cancel(order)),
      refund: (order) => noticing(order, provider.refund(order)),
      lookUp: (order) => noticing(order, provider.lookUp(order)),
    },
    isAway,
    hasComeBack: () => {
      const was = cameBack;
      cameBack = false;
      return was;
    },
  };
}
