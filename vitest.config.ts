import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { SOON_MS } from './infra/testing/soon.ts';

const journeys = 'infra/journeys/*.test.ts';
const pages = 'infra/journeys/pages/*.test.ts';
/** They wait for processes most of their time; what they time, or ask only once, has room for a neighbour. */
const patient = [
  'infra/attacks/*.test.ts',
  'infra/journeys/{booked-later,booking-frozen,buy-a-ticket,canary,changed-twice,key-rotation,log-away}.test.ts',
  'infra/journeys/{loadtest,presale,redis-emptied,refund,refused-starts,seeing,sold-out,soak-booking,verify}.test.ts',
  'infra/journeys/walk-throughs.test.ts',
];
/** They keep a time of a second or less, ask once, count what happens in a moment or compare rates: beside nothing else. */
const alone = [
  'infra/journeys/{browsing,console-crowd,live-figures,one-seat,postgres-away,redis-away}.test.ts',
  'booking-service/inventory/inventory.test.ts',
  'gateway/queue/streams.test.ts',
];
/** The longest of each project, longest first: begun last, one of them works alone while the other core waits. */
const longest = [
  'gateway/admission/large-sale',
  'infra/start/start',
  'infra/simulate/simulate',
  'booking-service/db/client',
  'infra/testing/shop',
  'infra/journeys/pages/accessible',
  'infra/journeys/pages/real-life',
  'infra/journeys/pages/pages',
  'infra/journeys/pages/queue-page',
  'infra/journeys/loadtest',
  'infra/journeys/soak-booking',
  'infra/journeys/booked-later',
  'infra/journeys/sold-out',
  'infra/journeys/key-rotation',
  'infra/journeys/scaled',
  'infra/journeys/chaos',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return place === -1 ? longest.length : place;
    };
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    // The default's order, longer files first, stays where neither is named.
    return (await super.sort(files)).sort((a, b) => groupOf(a) - groupOf(b) || rank(a) - rank(b));
  }
}

const exclude = [...configDefaults.exclude, '.data/**'];

const common = {
  // Processes, so that a test that blocks its own disturbs none beside it. Each takes one file after another and reads no module
  // twice: with a process for each file every third second of the processors went into that.
  pool: 'forks',
  isolate: false,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  teardownTimeout: 20_000,
  expect: { poll: { timeout: SOON_MS } },
} as const;

/** `npm run test:cluster` runs it, for minutes. */
const onClusterOnly = process.env.TEST_REDIS_CLUSTER_URL ? [] : ['infra/journeys/redis-failover.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['infra/testing/global-setup.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'rooms',
          include: ['**/*.test.ts'],
          exclude: [...exclude, journeys, pages, ...patient, ...alone],
          // They wait for their stores a fifth of their time; with two files at a time a core waits with them.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'pages',
          include: [pages],
          exclude,
          // Each starts the whole shop as processes, and a browser, which keeps a core busy; at three at a time pages miss their times.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'patient journeys',
          include: patient,
          exclude,
          // Each starts the whole shop as processes, and waits most of its time.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...common,
          name: 'journeys',
          include: [journeys],
          exclude: [...exclude, ...patient, ...alone, ...onClusterOnly],
          // Each starts a shop of many processes, has seconds to keep, and counts every 503.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...common,
          name: 'alone',
          include: alone,
          exclude,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
