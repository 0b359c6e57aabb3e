import type { ProblemCode } from '#shared/problem.ts';

type Words = { title: string; text: string };

/** What went wrong, for people; every code that is not here says `other`. */
export const problem = {
  byCode: {
    'not-found': {
      title: 'There is nothing here',
      text: 'There is nothing at this address, or not for this browser.',
    },
    forbidden: { title: 'This is not allowed', text: 'This request is not allowed here.' },
    'not-open': {
      title: 'The sale is not open yet',
      text: 'Nobody can join yet: neither the lobby nor the sale has opened.',
    },
    'sale-ended': { title: 'The sale has ended', text: 'Nobody new can get in.' },
    'already-finished': {
      title: 'You have already finished',
      text: 'You have finished shopping in this sale.',
    },
    'rate-limited': {
      title: 'Too many requests',
      text: 'Too much was asked from your network in a short time. Please try again in a moment.',
    },
    'request-timeout': {
      title: 'That took too long',
      text: 'Your request did not arrive in time. Please try again.',
    },
    unavailable: {
      title: 'Not available for a moment',
      text: 'We are working on it. If you have a place in a queue, it is kept.',
    },
  } satisfies Partial<Record<ProblemCode, Words>>,
  other: { title: 'That did not work', text: 'Please go back and try again.' },
  toQueue: 'To the queue',
  toConcerts: 'To all concerts',
};
