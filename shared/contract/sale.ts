import { z } from 'zod';
import { EventAnswer, SECTIONS_MAX, SectionName } from './event.ts';
import { Id, Money, Time, text } from './fields.ts';

export const CAPACITY_MAX = 100_000;
export const ADMIT_PER_MINUTE_MAX = 1_000_000;

/** With the longest codes and section names a request stays below JSON_BODY_BYTES_MAX. */
export const ACCESS_CODES_MAX = 1_000;
export const ACCESS_CODE_LENGTH_MAX = 40;
const ACCESS_CODE_USES_MAX = 100_000;

/** A person types it from a letter or a phone: surrounding blanks and capitals make no difference. */
export const normaliseAccessCode = (code: string): string => code.trim().toLowerCase();

const AccessCode = z
  .string()
  .transform(normaliseAccessCode)
  .pipe(
    z
      .string()
      .regex(/^[a-z0-9._-]+$/, 'must be letters from A to Z, digits, dots, hyphens or underscores')
      .max(ACCESS_CODE_LENGTH_MAX, `may have at most ${ACCESS_CODE_LENGTH_MAX} characters`),
  );

const seconds = (max: number) => z.number().int().min(1).max(max);

/** How the rate at which turns are given follows what the shop can bear. */
const AdaptiveRate = z
  .strictObject({
    enabled: z.boolean().default(true),
    minPerMinute: z
      .int()
      .min(1)
      .max(ADMIT_PER_MINUTE_MAX)
      .nullable()
      .default(null)
      .describe(
        'It never falls below this, whatever the shop answers; null for a tenth of admitPerMinute, which it never exceeds.',
      ),
  })
  .describe(
    'Turns are given more slowly while holds and orders fail or take long, and faster again afterwards.',
  );
const ADAPTIVE_RATE_DEFAULT = { enabled: true, minPerMinute: null };

const HTTPS_URL_LENGTH_MAX = 500;
const BEACON_VALUE_LENGTH_MAX = 256;

/** Visible ASCII with blanks inside: whoever recomputes the draw has the same bytes, whatever they read it with. */
export const BeaconValue = z
  .string()
  .max(BEACON_VALUE_LENGTH_MAX, `may have at most ${BEACON_VALUE_LENGTH_MAX} characters`)
  .regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'must be visible ASCII without blanks around it');

/** So long after the opening a beacon's value may be known: by then the lobby's digest stands, a restart in between or not. */
const BEACON_AFTER_OPENING_MS_MIN = 60_000;

/** A public value that nobody can know before the sale opens: it is mixed into the draw of the lobby. */
export const Beacon = z
  .strictObject({
    name: text(200).describe('What it is, without any doubt: “drand quicknet, round 29168232”.'),
    rule: text(300).describe(
      'What of it counts, to the character: “randomness, 64 hex digits in lower case”.',
    ),
    from: Time.describe('From when on it is known to everybody; at least a minute after opensAt.'),
    url: z
      .url({ protocol: /^https$/, error: 'must be an https address' })
      .max(HTTPS_URL_LENGTH_MAX)
      .nullable()
      .default(null)
      .describe('Where it can be fetched as JSON; null when the organiser supplies it.'),
    field: z
      .string()
      .regex(/^[\w-]{1,50}(\.[\w-]{1,50}){0,5}$/, 'must be names separated by dots')
      .nullable()
      .default(null)
      .describe('Which field of that JSON it is: `randomness`, `results.0.number`.'),
  })
  .refine(({ url, field }) => (url === null) === (field === null), {
    path: ['field'],
    message: 'belongs to a url',
  });
export type Beacon = z.infer<typeof Beacon>;

export const drawStates = [
  'none',
  'committed',
  'frozen',
  'awaitingBeacon',
  'drawing',
  'drawn',
  'unproven',
] as const;
export type DrawState = (typeof drawStates)[number];

/** Whether no queue number is still to be given by a draw that has begun. */
export const isSettled = (state: DrawState): boolean => ['none', 'drawn', 'unproven'].includes(state);

/** What became of the beacon: its value, or why the draw was made without. */
export const BeaconGiven = z.union([
  z.object({ value: z.string(), at: z.iso.datetime() }),
  z.object({ without: z.string(), at: z.iso.datetime() }),
]);
export type BeaconGiven = z.infer<typeof BeaconGiven>;

const HOUR = 3_600;
const settings = {
  name: text(200),
  opensAt: Time,
  lobbyOpensAt: Time.nullable(),
  closesAt: Time.nullable(),
  capacity: z.number().int().min(1).max(CAPACITY_MAX),
  admitPerMinute: z.number().int().min(1).max(ADMIT_PER_MINUTE_MAX),
  seatsPerFan: z.number().int().min(1).max(100),
  claimSeconds: seconds(HOUR),
  admissionSeconds: seconds(24 * HOUR),
  holdSeconds: seconds(2 * HOUR),
  graceSeconds: seconds(24 * HOUR),
  adaptiveRate: AdaptiveRate,
  beacon: Beacon.nullable(),
};

const defaults = {
  lobbyOpensAt: settings.lobbyOpensAt.default(null),
  closesAt: settings.closesAt.default(null),
  seatsPerFan: settings.seatsPerFan.default(6),
  claimSeconds: settings.claimSeconds.default(180),
  admissionSeconds: settings.admissionSeconds.default(600),
  holdSeconds: settings.holdSeconds.default(300),
  graceSeconds: settings.graceSeconds.default(900),
  adaptiveRate: AdaptiveRate.default(ADAPTIVE_RATE_DEFAULT),
  beacon: settings.beacon.default(null),
};

type Times = {
  opensAt: string;
  lobbyOpensAt: string | null;
  closesAt: string | null;
  beacon: Beacon | null;
};

/** The times of a sale in their order: lobby, opening, closing. Returns the faults, by field. */
export function faultsOfTimes({
  opensAt,
  lobbyOpensAt,
  closesAt,
  beacon,
}: Times): { field: string; message: string }[] {
  const faults = [];
  if (lobbyOpensAt && lobbyOpensAt >= opensAt) {
    faults.push({ field: 'lobbyOpensAt', message: 'must be before opensAt' });
  }
  if (closesAt && closesAt <= opensAt) faults.push({ field: 'closesAt', message: 'must be after opensAt' });
  if (beacon && Date.parse(beacon.from) < Date.parse(opensAt) + BEACON_AFTER_OPENING_MS_MIN)
    faults.push({ field: 'beacon.from', message: 'must be at least a minute after opensAt' });
  if (beacon && !lobbyOpensAt) faults.push({ field: 'beacon', message: 'needs a lobby' });
  return faults;
}

/** `POST /api/organiser/events/:event/sales` */
export const SaleRequest = z
  .strictObject({
    ...settings,
    ...defaults,
    sections: z
      .array(SectionName)
      .min(1)
      .max(SECTIONS_MAX)
      .refine((names) => new Set(names).size === names.length, 'must differ')
      .optional(),
    accessCodes: z
      .array(AccessCode)
      .min(1)
      .max(ACCESS_CODES_MAX)
      .refine((codes) => new Set(codes).size === codes.length, 'must differ')
      .optional()
      .describe('With these, joining the queue needs one of them; capitals make no difference.'),
    accessCodeUses: z
      .int()
      .min(1)
      .max(ACCESS_CODE_USES_MAX)
      .optional()
      .describe('How many places each code is good for at a time; 1 by default.'),
  })
  .superRefine((sale, context) => {
    for (const { field, message } of faultsOfTimes(sale))
      context.addIssue({ code: 'custom', path: [field], message });
    if (sale.accessCodeUses !== undefined && !sale.accessCodes) {
      context.addIssue({ code: 'custom', path: ['accessCodeUses'], message: 'needs accessCodes' });
    }
  });
export type SaleRequest = z.infer<typeof SaleRequest>;

const NOTICE_LENGTH_MAX = 500;
const Notice = z.object({ text: z.string(), at: z.iso.datetime() });

/** `PATCH /api/organiser/sales/:sale`: any setting, with the version it was read at. */
export const SalePatch = z.strictObject({
  ...z.object(settings).partial().shape,
  notice: text(NOTICE_LENGTH_MAX).nullable().optional(),
  version: z.number().int().min(1),
});
export type SalePatch = z.infer<typeof SalePatch>;

/** `POST /api/organiser/sales/:sale/{open,pause,resume,close}` */
export const CommandRequest = z.strictObject({ reason: text(500).optional() });
/** `POST /api/organiser/sales/:sale/draw/beacon` */
export const BeaconRequest = z.strictObject({ value: BeaconValue, reason: text(500).optional() });
/** `POST /api/organiser/sales/:sale/draw/without-beacon` */
export const WithoutBeaconRequest = z.strictObject({ reason: text(500) });
export const beaconCommands = ['giveBeacon', 'drawWithoutBeacon'] as const;

export const saleCommands = ['open', 'pause', 'resume', 'close'] as const;
export type SaleCommand = (typeof saleCommands)[number];

/** What may change about a sale while it runs. Settings travel and are stored as a whole, under one version. */
export const SaleSettings = z.object({
  ...settings,
  // Sales that were recorded before there was this setting have none.
  adaptiveRate: AdaptiveRate.default(ADAPTIVE_RATE_DEFAULT),
  beacon: settings.beacon.default(null),
  beaconGiven: BeaconGiven.nullable().default(null),
  paused: z.boolean(),
  closedAt: z.iso.datetime().nullable(),
  notice: Notice.nullable(),
});
export type SaleSettings = z.infer<typeof SaleSettings>;

/** A sale as the services know it: durable in PostgreSQL, live in Redis. */
export const SaleDefinition = z.object({
  ...SaleSettings.shape,
  sale: Id,
  event: Id,
  sections: z.array(z.object({ name: z.string(), price: Money, seats: z.int() })),
  accessCodeUses: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('How many places each access code is good for; null for a sale that needs none.'),
  createdAt: z.iso.datetime(),
  version: z.int().min(1),
});
export type SaleDefinition = z.infer<typeof SaleDefinition>;

/** One change of a sale's settings: who, when, what, why, and the settings as they are from then on. */
export const SaleChange = z.object({
  version: z.int().min(2),
  at: z.iso.datetime(),
  by: z.string(),
  action: z.enum([...saleCommands, 'patch', ...beaconCommands]),
  reason: z.string().nullable(),
  settings: SaleSettings,
});
export type SaleChange = z.infer<typeof SaleChange>;

export const saleStates = ['scheduled', 'lobby', 'open', 'paused', 'soldOut', 'closed'] as const;
export type SaleState = (typeof saleStates)[number];
export const SaleState = z.enum(saleStates);

/** Told to fans and organisers alike. */
export const AllHeldUntil = z.iso
  .datetime()
  .nullable()
  .describe(
    'While all remaining seats are in fans’ baskets: when the next may return. Null while a seat is open.',
  );

/** How many seats of a sale are in which state, as of a moment at most a second old. */
export const SaleStock = z.object({
  open: z.int(),
  held: z.int(),
  sold: z.int(),
  blocked: z.int(),
});
export type SaleStock = z.infer<typeof SaleStock>;

export const leftWords = ['plenty', 'limited', 'few', 'none'] as const;

/** `GET /api/sales/:sale`: the same for everyone. */
export const SaleAnswer = z.object({
  sale: Id,
  event: z.object({
    event: Id,
    name: z.string(),
    venue: z.string(),
    startsAt: z.iso.datetime(),
    timeZone: z.string(),
  }),
  name: z.string(),
  state: SaleState,
  opensAt: z.iso.datetime(),
  lobbyOpensAt: z.iso.datetime().nullable(),
  closesAt: z.iso.datetime().nullable(),
  draw: z.enum(drawStates).describe('Where the draw of the lobby stands; none in a sale without a lobby.'),
  beacon: Beacon.nullable().describe('The public value from after the opening that the draw waits for.'),
  accessCodeNeeded: z.boolean().describe('Whether joining the queue takes an access code.'),
  waiting: z.int().nullable().describe('Fans waiting now; null while the queue cannot be read.'),
  prices: z.array(z.object({ section: z.string(), price: Money })),
  left: z.object({ seats: z.int().nullable(), word: z.enum(leftWords).nullable() }),
  seatsPerFan: z.int(),
  claimSeconds: z.int(),
  admissionSeconds: z.int(),
  graceSeconds: z.int(),
  allHeldUntil: AllHeldUntil,
  notice: Notice.nullable(),
  serverTime: z.iso.datetime(),
});
export type SaleAnswer = z.infer<typeof SaleAnswer>;

export const EVENTS_LISTED_MAX = 200;
export const SALES_LISTED_MAX = 20;

/** A sale as a list shows it: what changes rarely. */
const ListedSale = z.object({
  sale: Id,
  name: z.string(),
  state: SaleState,
  opensAt: z.iso.datetime(),
  lobbyOpensAt: z.iso.datetime().nullable(),
  closesAt: z.iso.datetime().nullable(),
  sections: z.array(z.string()),
  lowestPrice: Money,
  left: z.enum(leftWords).nullable(),
  accessCodeNeeded: z.boolean(),
});
export type ListedSale = z.infer<typeof ListedSale>;

/** `GET /api/events`: what is or will be on sale, the next concert first; at most EVENTS_LISTED_MAX. */
export const EventsAnswer = z.object({
  events: z.array(
    EventAnswer.omit({ sections: true }).extend({
      sales: z.array(ListedSale).describe(`Its sales that are not over, at most ${SALES_LISTED_MAX}.`),
    }),
  ),
});
export type EventsAnswer = z.infer<typeof EventsAnswer>;

/** `GET /api/events/:event`: facts, prices, and its sales, over or not. */
export const EventWithSalesAnswer = EventAnswer.extend({ sales: z.array(ListedSale) });
export type EventWithSalesAnswer = z.infer<typeof EventWithSalesAnswer>;

/** A sale as its organiser sees it. */
export const OrganiserSaleAnswer = z.object({
  ...SaleDefinition.shape,
  state: SaleState,
  durable: z.boolean().describe('False while a change is in effect but PostgreSQL has not recorded it yet.'),
});
export type OrganiserSaleAnswer = z.infer<typeof OrganiserSaleAnswer>;
