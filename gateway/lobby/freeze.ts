import { type Store, saleScript } from '../redis/script.ts';

const freeze = saleScript<0 | 1 | 2>(new URL('./freeze.lua', import.meta.url));

/** Closes the lobby at the opening; its fans own the first queue numbers from then on. Idempotent. */
export async function freezeLobby(store: Store, sale: string): Promise<boolean> {
  for (;;) {
    const frozen = await freeze(store, sale);
    if (frozen !== 2) return frozen === 1;
  }
}
