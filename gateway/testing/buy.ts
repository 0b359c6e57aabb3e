import { Problem } from '#shared/problem.ts';
import { type Admission, claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import type { Store } from '../redis/script.ts';

/**
 * A fan claims the turn and, with an order's id, buys. Resolves to the admission, null where there is no turn to claim; that
 * Redis is away is thrown.
 */
export async function claimAndBuy(
  store: Store,
  keys: SigningKeys,
  sale: string,
  { entry, order }: { entry: string; order: string | null },
): Promise<Admission | null> {
  let admission: Admission;
  try {
    admission = await claimTurn(store, keys, sale, entry);
  } catch (error) {
    if (error instanceof Problem && error.code !== 'unavailable') return null;
    throw error;
  }
  if (order !== null) await finishAdmission(store, sale, entry, order);
  return admission;
}
