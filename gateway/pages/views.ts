/** What of a status decides which words a fan reads. */
type Told = {
  state: string;
  saleState: string;
  position: number | null;
  claimBy: string | null;
  returning: boolean;
};

/**
 * Which view of the queue page a status asks for, for the server that writes the page and for the script that turns it
 * from one to another.
 */
export function viewOf({ state, saleState, position, claimBy, returning }: Told): string {
  switch (state) {
    case 'lobby':
      return saleState === 'lobby' ? 'lobby' : 'undrawn';
    case 'waiting':
      if (position === null) return 'kept';
      return saleState === 'paused' ? 'paused' : 'waiting';
    case 'ready':
      return claimBy === null ? 'full' : 'ready';
    case 'missed':
      return returning ? 'returning' : 'missed';
    case 'closed':
      return saleState === 'soldOut' ? 'soldOut' : 'closed';
    default:
      return state;
  }
}
