import type postgres from 'postgres';
import { seatName } from '../../infra/verify/books/check.ts';
import type { AnswerRecord } from '../history.ts';
import type { History } from './read.ts';
import { isBought } from './seats.ts';

/** An order of the run's sale as PostgreSQL has it. */
export type BookedOrder = {
  order: string;
  email: string;
  key: string;
  state: 'inProgress' | 'confirmed' | 'failed' | 'refunded';
  /** Of its live tickets. */
  seats: string[];
};

export const readOrders = (sql: postgres.Sql, sale: string) => sql<BookedOrder[]>`
  select id as "order", buyer_email as email, idempotency_key as key, state, array(
    select ${seatName(sql, 'ticket')} from ticket where ticket_order = ticket_order.id and live order by seat
  ) as seats
  from ticket_order where sale = ${sale}`;

/** Compares what the fans were told of their orders with the books. Pure. */
export function judgeOrders({ fans }: History, booked: readonly BookedOrder[]): string[] {
  const found: string[] = [];
  const byOrder = new Map(booked.map((order) => [order.order, order]));
  const attempts = attemptsOf(fans.values());

  for (const { fan, told, key } of attempts.values()) {
    const bought = told.find(isBought);
    const order = bought?.order ?? told.find(({ status }) => status === 202)?.order;
    const inBooks = order === undefined ? undefined : byOrder.get(order);
    if (order !== undefined && !inBooks)
      found.push(`Order ${order} of ${fan} was acknowledged and is not in the books`);
    else if (bought && inBooks?.state !== 'confirmed')
      found.push(`Order ${order} of ${fan} was confirmed, and in the books it is ${inBooks?.state}`);
    else if (bought && inBooks && !sameSeats(bought.seats ?? [], inBooks.seats))
      found.push(
        `Order ${order} of ${fan} was confirmed for ${bought.seats?.join(', ')}, and in the books it has ${
          inBooks.seats.join(', ') || 'no tickets'
        }`,
      );
    else if (inBooks?.state === 'inProgress') found.push(`Order ${order} of ${fan} has not come to an end`);
    const orders = new Set(told.filter(isBought).map((answer) => answer.order));
    if (orders.size > 1) found.push(`${fan} was told ${orders.size} orders for one key (${key})`);
  }

  const twice = new Map<string, string>();
  for (const { order, email, key, state } of booked) {
    if (state !== 'confirmed') continue;
    const attempt = attempts.get(`${email} ${key}`);
    if (!attempt) found.push(`Order ${order} of ${email} is in the books, and nobody asked for it`);
    else if (attempt.told.every(isRefusal))
      found.push(
        `Order ${order} of ${attempt.fan} is in the books, and the fan was told ${attempt.told.at(-1)?.code}`,
      );
    const other = twice.get(`${email} ${key}`);
    if (other !== undefined)
      found.push(`One payment of ${email} is in the books twice: ${other} and ${order}`);
    twice.set(`${email} ${key}`, order);
  }
  return found;
}

type Attempt = { fan: string; key: string; told: AnswerRecord[] };

/** What every fan was told about each payment, by e-mail address and key. */
function attemptsOf(fans: Iterable<AnswerRecord[]>): Map<string, Attempt> {
  const attempts = new Map<string, Attempt>();
  for (const answers of fans) {
    for (const answer of answers) {
      const { step, fan, key, email } = answer;
      if ((step !== 'pay' && step !== 'outcome') || key === undefined || email === undefined) continue;
      const attempt = attempts.get(`${email} ${key}`) ?? { fan, key, told: [] };
      attempts.set(`${email} ${key}`, attempt);
      attempt.told.push(answer);
    }
  }
  return attempts;
}

/** A clear no; "in progress", 503 and no answer leave it open. */
const isRefusal = ({ status, code, orderState }: AnswerRecord): boolean =>
  (status >= 400 && status < 500 && code !== 'in-progress') || orderState === 'failed';

const sameSeats = (a: string[], b: string[]): boolean =>
  JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
