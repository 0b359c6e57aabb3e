/** What is to be paid. The order's id is the provider's idempotency key: said twice, it happens once. */
export type Payment = { order: string; amount: number; currency: string };

/** What a provider knows of a payment; `none` when it never heard of it. */
export type PaymentState = 'none' | 'authorised' | 'declined' | 'captured' | 'cancelled' | 'refunded';

/**
 * A payment provider. Each command may be said again. A command that throws has an unknown outcome: look it up before
 * anything else is decided.
 */
export type PaymentProvider = {
  /** Reserves the amount. A payment that was cancelled before is declined. */
  authorise: (payment: Payment, token: string) => Promise<'authorised' | 'declined'>;
  /** Takes what was authorised. */
  capture: (order: string) => Promise<void>;
  /** Lets go of what was authorised; from then on an authorisation that comes late is declined. */
  cancel: (order: string) => Promise<void>;
  /** Gives back what was captured. */
  refund: (order: string) => Promise<void>;
  lookUp: (order: string) => Promise<PaymentState>;
};
