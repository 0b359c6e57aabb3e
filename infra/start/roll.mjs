import { describeFailure } from '../local/launch-error.mjs';
import { say, timed } from '../local/progress.mjs';

/** What the launcher hears when its services are to be replaced; npm run roll sends it. */
export const ROLL_SIGNAL = 'SIGUSR2';

/**
 * The rolling restart: `prepare` makes the services anew from what stands in the project and brings the database to their
 * schema, then `kept` are replaced one after another, each ready before the next ends. Where one of them does not become ready the
 * rest stay as they are. `tell` hears `{ number, state, why }` of each roll: `rolling`, and then `done` or `failed`.
 */
export function createRoller({ kept, prepare, tell, isEnding }) {
  let number = 0;
  let isRolling = false;

  const roll = async () => {
    await timed('Services made anew, database migrated', prepare);
    for (const each of kept) {
      if (isEnding()) return;
      await timed(`${each.what} replaced`, each.replace);
    }
  };

  return async () => {
    if (isRolling || isEnding()) return;
    isRolling = true;
    number += 1;
    say('\nReplacing the services, one after another …');
    tell({ number, state: 'rolling', why: null });
    try {
      await roll();
      tell({ number, state: 'done', why: null });
    } catch (error) {
      const why = describeFailure(error);
      if (isEnding()) return;
      say(`${why}\nThe other services stay as they are.`);
      tell({ number, state: 'failed', why });
    } finally {
      isRolling = false;
    }
  };
}
