export function newSecrets(): Record<
  'ORGANISER_KEY' | 'QUEUE_TICKET_SECRET' | 'INTERNAL_SECRET' | 'SIGNING_KEYS',
  string
>;
