import type { StatusAnswer } from '#shared/contract/queue.ts';
import { asProblem } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import type { Slices, Work } from './slices.ts';
import type { QueueTicket } from './ticket.ts';

/** Answers that come together are taken in together, at some 10 µs each: so many may. */
const UNDER_WAY_MAX = 64;

/** About a fan whom no snapshot says enough of. */
export type Question = {
  ticket: QueueTicket;
  /** The version that the fan was shown last. */
  version: number;
  /** Nobody waits for the answer any more. */
  isIdle: () => boolean;
  /** Called in a slice. */
  take: (answer: StatusAnswer | Problem) => void;
};

type Answered = { question: Question; answer: StatusAnswer | Problem };

/**
 * Asks about many fans, few at a time for the whole process: their look-ups go to Redis together, and what their answers
 * set off is done in slices. `read`: readStatus.
 */
export function inquire(
  read: (ticket: QueueTicket, version: number) => Promise<StatusAnswer>,
  slices: Slices,
  log: Log,
  underWayMax = UNDER_WAY_MAX,
): (question: Question) => void {
  const questions: Question[] = [];
  const answered: Answered[] = [];
  let underWay = 0;
  let working = false;

  const ask = async (question: Question) => {
    underWay += 1;
    const answer = await read(question.ticket, question.version).catch(asProblem);
    underWay -= 1;
    answered.push({ question, answer });
    wake();
  };

  const take = ({ question, answer }: Answered) => {
    // Expected problems need no entry; one with a cause within, or anything unexpected, does.
    if (answer instanceof Problem && answer.cause !== undefined)
      log.warn({ err: answer.cause }, 'a stream was not answered');
    if (!question.isIdle()) question.take(answer);
  };

  const wake = () => {
    if (working) return;
    working = true;
    slices.add(correspond());
  };

  function* correspond(): Work {
    try {
      while (true) {
        const next = answered.shift();
        if (next) take(next);
        else {
          const question = underWay < underWayMax ? questions.shift() : undefined;
          if (!question) return;
          if (!question.isIdle()) void ask(question);
        }
        yield undefined;
      }
    } finally {
      working = false;
    }
  }

  return (question) => {
    questions.push(question);
    wake();
  };
}
