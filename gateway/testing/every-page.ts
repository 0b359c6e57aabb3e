import type { EventsAnswer } from '#shared/contract/sale.ts';
import { packStates, seatStates } from '#shared/seat-codes.ts';
import { scripts } from '../pages/browser-code.made.ts';
import { mailPage, mailsPage } from '../pages/dev-mail.ts';
import { eventPage, homePage } from '../pages/home-page.ts';
import type { Page } from '../pages/layout.ts';
import type { Locale } from '../pages/locale.ts';
import { problemPage } from '../pages/problem-page.ts';
import type { WholeMap } from '../pages/seat-map/hall.ts';
import { consoleStates } from './console-states.ts';
import * as pageStates from './page-states.ts';

const { someSale } = pageStates;

/** A page as one reader sees it at one moment. */
export type PageState = { kind: string; name: string; page: Page };

type States = Record<string, Page>;

/** Scripts that a route adds to a page; those of the queue come with their pages. */
const scriptOf: Record<string, (name: string) => Page['script']> = {
  shop: () => scripts.seats,
  draw: (name) => (name.startsWith('drawn') ? scripts.draw : undefined),
};

/** Whatever fans' states there are (page-states.ts), by their names: what is added there is here. */
const ofFans = (locale: Locale): Record<string, States> =>
  Object.fromEntries(
    Object.entries(pageStates).flatMap(([name, states]) =>
      typeof states === 'function' ? [[name.replace(/States$/, ''), states(locale)]] : [],
    ),
  );

/** Every page of the gateway in every state that looks different, in one language. */
export function everyPage(locale: Locale): PageState[] {
  const kinds: Record<string, States> = {
    home: homeStates(locale),
    ...ofFans(locale),
    problem: problemStates(locale),
    mail: mailStates(),
    console: consoleStates(locale),
  };
  return Object.entries(kinds).flatMap(([kind, states]) =>
    Object.entries(states).map(([name, page]) => {
      const script = page.script ?? scriptOf[kind]?.(name);
      return { kind, name, page: { ...page, ...(script ? { script } : {}) } };
    }),
  );
}

function homeStates(locale: Locale): States {
  const { event, prices, ...sale } = someSale;
  const listed = (['open', 'lobby', 'scheduled', 'paused', 'soldOut', 'closed'] as const).map((state) => ({
    ...{ sale: sale.sale, name: sale.name, state, left: 'few' as const, accessCodeNeeded: state === 'lobby' },
    ...{ opensAt: sale.opensAt, lobbyOpensAt: sale.lobbyOpensAt, closesAt: null },
    ...{ sections: ['A', 'B'], lowestPrice: { amount: 6_500, currency: 'EUR' } },
  }));
  const facts = { ...event, seats: 900, layoutVersion: 1 };
  const events: EventsAnswer['events'] = [
    { ...facts, sales: listed.slice(0, 2) },
    { ...facts, name: 'مهرجان الميناء', venue: 'قاعة البحر', sales: listed.slice(2, 4) },
  ];
  const { title } = locale.texts.home;
  const shown = { event: { ...facts, sections: [] }, sales: listed };
  return {
    concerts: { title, body: homePage(events, locale) },
    'no concert': { title, body: homePage([], locale) },
    event: { title: event.name, body: eventPage(shown, locale) },
    'event, no sale': { title: event.name, body: eventPage({ ...shown, sales: [] }, locale) },
  };
}

function problemStates(locale: Locale): States {
  const { byCode } = locale.texts.problem;
  const codes = Object.keys(byCode) as (keyof typeof byCode)[];
  return {
    ...Object.fromEntries(codes.map((code) => [code, problemPage(code, undefined, locale)])),
    'of a sale': problemPage('invalid-field', someSale.sale, locale),
  };
}

function mailStates(): States {
  const { sale: id, serverTime: at } = someSale;
  const mail = { id, at, to: 'ada@example.org', subject: 'Your tickets for Nora & the Night Trains' };
  return {
    mails: mailsPage([mail, { ...mail, subject: 'تذاكرك' }]),
    mail: mailPage({ ...mail, text: 'Your order is confirmed.\n\nSection A, row 1, seat 14\n' }),
  };
}

/** The hall behind the pages of the shop, as the API tells it to their script: of each row the last three are gone. */
export function hallOf(sections: readonly string[]): { map: WholeMap; layout: object } {
  const grid = { rows: 8, seatsPerRow: 20 };
  const seats = sections.length * grid.rows * grid.seatsPerRow;
  const states = Uint8Array.from({ length: seats }, (_, seat) =>
    Math.max(0, (seat % grid.seatsPerRow) - grid.seatsPerRow + seatStates.length),
  );
  const placed = sections.map((name, i) => ({
    ...{ name, ...grid },
    price: { amount: 6_500 * (i + 1), currency: 'EUR' },
  }));
  const { event } = someSale.event;
  return {
    map: {
      ...{ version: 1, event, layoutVersion: 1, sections: placed },
      statuses: Buffer.from(packStates(states)).toString('base64'),
    },
    layout: {
      ...{ event, version: 1 },
      sections: sections.map((name) => ({ name, ...grid, accessible: ['1-2'], companions: ['1-3'] })),
    },
  };
}
