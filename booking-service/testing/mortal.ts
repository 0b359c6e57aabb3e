import type { Db } from '../db/client.ts';
import type { MailTransport } from '../mail/transport.ts';
import type { PaymentProvider } from '../payment/provider.ts';
import { through } from './through.ts';

/** A process as far as anybody else can tell: what it asks of the database, the provider and the mail server. */
export type Mortal = {
  db: Db;
  payments: PaymentProvider;
  /** The same transport, as this process uses it. */
  mailing: (transport: MailTransport) => MailTransport;
  /** What it has begun so far, by name; a call of the database is `db`. */
  steps: string[];
  /** Resolves when it dies. */
  died: Promise<'died'>;
};

/**
 * A process that dies at one boundary between its steps: before its first step at 0, behind it at 1, before its second at
 * 2, and so on. What is behind that boundary never begins, and what it waits for never comes.
 */
export function mortal(alive: { db: Db; payments: PaymentProvider }, boundary: number): Mortal {
  const { db, payments } = alive;
  const steps: string[] = [];
  let isDead = false;
  let die: (how: 'died') => void = () => undefined;
  const died = new Promise<'died'>((resolve) => {
    die = resolve;
  });
  const dieHere = (): Promise<never> => {
    isDead = true;
    die('died');
    return new Promise<never>(() => undefined);
  };
  const step = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    if (isDead) return new Promise<never>(() => undefined);
    const before = 2 * steps.length;
    steps.push(name);
    if (before === boundary) return dieHere();
    try {
      return await work();
    } finally {
      if (isDead) await new Promise<never>(() => undefined);
      if (before + 1 === boundary) await dieHere();
    }
  };

  return {
    db: through(db, (statement, withinMs) => step('db', () => db.call(statement, withinMs))),
    payments: {
      authorise: (payment, token) => step('authorise', () => payments.authorise(payment, token)),
      capture: (order) => step('capture', () => payments.capture(order)),
      cancel: (order) => step('cancel', () => payments.cancel(order)),
      refund: (order) => step('refund', () => payments.refund(order)),
      lookUp: (order) => step('lookUp', () => payments.lookUp(order)),
    },
    mailing: (transport) => ({ ...transport, send: (mail) => step('send', () => transport.send(mail)) }),
    steps,
    died,
  };
}

/**
 * Lets a process do the same again and again, each time dying one boundary later, until it lives to the end. `afterwards`
 * hears each time how far it came. Resolves to the steps of the one that lived.
 */
export async function atEveryBoundary<Prepared>(
  alive: { db: Db; payments: PaymentProvider },
  {
    prepare,
    run,
    afterwards,
  }: {
    prepare: () => Promise<Prepared>;
    run: (process: Mortal, prepared: Prepared) => Promise<unknown>;
    afterwards: (prepared: Prepared, where: string) => Promise<void>;
  },
): Promise<string[]> {
  for (let boundary = 0; ; boundary += 1) {
    const prepared = await prepare();
    const process = mortal(alive, boundary);
    const how = await Promise.race([run(process, prepared).then(() => 'lived'), process.died]);
    const side = boundary % 2 === 0 ? 'before' : 'after';
    const where = how === 'lived' ? 'never' : `${side} step ${process.steps.length}, ${process.steps.at(-1)}`;
    await afterwards(prepared, where);
    if (how === 'lived') return process.steps;
  }
}
