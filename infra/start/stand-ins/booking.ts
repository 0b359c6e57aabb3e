import { listen } from './listen.ts';

const CRASH_EXIT_CODE = 3;

listen(process.env.BOOKING_PORT, () => {
  if (process.env.STAND_IN_CRASHES) process.exit(CRASH_EXIT_CODE);
});
