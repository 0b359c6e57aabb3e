import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { EventAnswer } from '#shared/contract/event.ts';
import { Problem, type ProblemCode } from '#shared/problem.ts';
import type { Access } from '../../limits/access.ts';
import type { OrganiserEnv } from '../../organiser/answer.ts';
import type { OrganiserDeps } from '../../organiser/routes.ts';
import type { Events } from '../../sale/events.ts';
import { readForm } from '../form.ts';
import type { Locale } from '../locale.ts';
import type { ConsoleSessions } from './sessions.ts';

export type ConsoleDeps = OrganiserDeps & {
  sessions: ConsoleSessions;
  access: Access;
  events: Events;
};

export type ConsoleEnv = OrganiserEnv & { Bindings: Partial<HttpBindings> };
export type ConsoleContext = Context<ConsoleEnv>;

/** A thousand access codes, or the seats of one block, in the longest encoding. */
const CONSOLE_FORM_BYTES_MAX = 256 * 1024;

export const readConsoleForm = (c: Context): Promise<URLSearchParams> => readForm(c, CONSOLE_FORM_BYTES_MAX);

/** What an organiser wrote into a field, or undefined for an empty one. */
export const written = (form: URLSearchParams, field: string): string | undefined =>
  form.get(field)?.trim() || undefined;

/** A whole number as people write it; NaN, which every schema refuses, for anything else. */
export const wholeNumber = (text: string | undefined): number =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;

/** What was made, or the problem that kept it from being made. */
export async function attempt<Made>(make: () => Promise<Made>): Promise<Made | Problem> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** A problem in the words of a language. */
export function problemWords({ code }: Problem, { texts }: Locale): string {
  const words: Partial<Record<ProblemCode, string>> = texts.console.problems;
  return words[code] ?? texts.console.otherProblem;
}

/** The facts of an event; null while they cannot be had, which keeps nobody from pausing its sale. */
export async function factsOf({ events }: ConsoleDeps, event: string): Promise<EventAnswer | null> {
  const facts = await attempt(() => events.event(event));
  return facts instanceof Problem ? null : facts;
}
