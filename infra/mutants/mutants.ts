/** A fault of one line, and the tests that have to notice it. */
export type Mutant = {
  /** What goes wrong with it. */
  fault: string;
  file: string;
  /** Stands in the file exactly once. */
  from: string;
  to: string;
  tests: string[];
};

const take = 'booking-service/db/migrations/0021-found-by-keys.sql';
const giveTurns = 'gateway/admission/give-turns.lua';
const claim = 'gateway/admission/claim.lua';

export const mutants: Mutant[] = [
  {
    fault: 'a seat is sold whatever its state',
    file: take,
    from: 'and seat.seat = wanted.seat and seat_is_open(seat.state, seat.held_until)',
    to: 'and seat.seat = wanted.seat',
    tests: ['booking-service/hold/together.test.ts'],
  },
  {
    fault: 'a seat is given twice in one call',
    file: take,
    from: 'v_states[v_place] := c_taken;\n          seats := seats || p_seats[v_place];\n          amount',
    to: 'seats := seats || p_seats[v_place];\n          amount',
    tests: ['booking-service/hold/together.test.ts'],
  },
  {
    fault: 'a fan may hold any number of seats',
    file: take,
    from: '> v_attempt.seats_per_fan then',
    to: '> 1000 then',
    tests: ['booking-service/hold/together.test.ts'],
  },
  {
    fault: 'a buyer may buy any number of seats',
    file: take,
    from: 'when bought.seats + cardinality(hold.seats) > given.seats_per_fan then',
    to: 'when false then',
    tests: ['booking-service/order/together.test.ts'],
  },
  {
    fault: 'an idempotency key is good for any body',
    file: take,
    from: 'when known.request_digest <> given.digest then',
    to: 'when false then',
    tests: ['booking-service/order/together.test.ts', 'booking-service/order/orders.test.ts'],
  },
  {
    fault: 'a hold is sold that has lost one of its seats',
    file: 'booking-service/db/migrations/0012-ordered-together.sql',
    from: 'having count(*) = locked.quantity',
    to: '',
    tests: ['booking-service/order/together.test.ts', 'booking-service/order/faults.test.ts'],
  },
  {
    fault: 'an expired hold blocks its seats for ever',
    file: 'booking-service/db/migrations/0003-holds.sql',
    from: 'select p_state = 0 or (p_state = 1 and p_held_until <= clock_timestamp())',
    to: 'select p_state = 0',
    tests: ['booking-service/hold/hold.test.ts'],
  },
  {
    fault: 'a hold is given back while it is being paid',
    file: 'booking-service/db/migrations/0003-holds.sql',
    from: "when v_hold.state in ('paying', 'confirmed') then v_hold.state",
    to: 'when false then v_hold.state',
    tests: ['booking-service/intake/intake.test.ts'],
  },
  {
    fault: 'anybody may read anybody’s order',
    file: 'booking-service/order/routes.ts',
    from: 'if (!order || order.fan !== fan.id || order.sale !== sale.definition.sale) throw',
    to: 'if (!order) throw',
    tests: ['booking-service/order/orders.test.ts'],
  },
  {
    fault: 'a token is good for every sale',
    file: 'booking-service/caller/fan.ts',
    from: "if (claims.sale !== c.req.param('sale')) {",
    to: 'if (claims.sale === null) {',
    tests: ['booking-service/caller/caller.test.ts'],
  },
  {
    fault: 'what is confirmed is never captured',
    file: 'booking-service/order/settle.ts',
    from: "if (ended.state === 'confirmed') return 'captureDue';",
    to: "if (ended.state === 'confirmed') return null;",
    tests: ['booking-service/order/orders.test.ts', 'booking-service/order/every-step.test.ts'],
  },
  {
    fault: 'a mail that is refused once is given up',
    file: 'booking-service/outbox/deliver.ts',
    from: 'await markFailed(db, message.id, { error: String(error).slice(0, ERROR_LENGTH_MAX), retryMs });',
    to: 'await markFailed(db, message.id, { error: String(error), retryMs: null });',
    tests: ['booking-service/outbox/deliver.test.ts'],
  },
  {
    fault: 'two calls at once name the same seat',
    file: 'shared/waiting-row.ts',
    from: 'place.inOrder.forEach(stepBack);',
    to: '',
    tests: ['shared/waiting-row.test.ts'],
  },
  {
    fault: 'a fan who joins again stands in line twice',
    file: 'gateway/queue/join.lua',
    from: 'for _, candidate in ipairs({ ticketId, keyId }) do',
    to: 'for _, candidate in ipairs({ keyId }) do',
    tests: ['gateway/queue/routes.test.ts'],
  },
  {
    fault: 'who joins is not counted as waiting',
    file: 'gateway/queue/join.lua',
    from: 'setBits(K.bits, first, last)',
    to: '',
    tests: ['gateway/queue/routes.test.ts'],
  },
  {
    fault: 'a fan who is there lapses',
    file: 'gateway/queue/lapse.lua',
    from: "if redis.call('GETBIT', K.seen[1], number) == 0 and",
    to: 'if',
    tests: ['gateway/queue/presence.test.ts'],
  },
  {
    fault: 'one fan too many is let in',
    file: giveTurns,
    from: 'local room = sale.capacity + overbooking - admitted',
    to: 'local room = 1 + sale.capacity + overbooking - admitted',
    tests: ['gateway/admission/admission.test.ts', 'gateway/admission/histories.test.ts'],
  },
  {
    fault: 'the last in line gets the first turn',
    file: giveTurns,
    from: "redis.call('ZRANGEBYSCORE', K.waiting, '-inf', last, 'WITHSCORES'",
    to: "redis.call('ZREVRANGEBYSCORE', K.waiting, last, '-inf', 'WITHSCORES'",
    tests: ['gateway/admission/admission.test.ts', 'gateway/admission/histories.test.ts'],
  },
  {
    fault: 'who has got a turn is still counted as waiting',
    file: giveTurns,
    from: 'setBits(K.bits, numbers[1], number, 0)',
    to: '',
    tests: ['gateway/admission/admission.test.ts', 'gateway/admission/histories.test.ts'],
  },
  {
    fault: 'turns are given faster than the organiser allows',
    file: giveTurns,
    from: "keep('turnTokens', tokens - given)",
    to: "keep('turnTokens', tokens)",
    tests: ['gateway/admission/pace.test.ts', 'gateway/admission/admission.test.ts'],
  },
  {
    fault: 'fans are let in to a shop that is empty',
    file: giveTurns,
    from: 'takeable = seats.open - ready - blocked - looking',
    to: 'takeable = seats.open',
    tests: ['gateway/admission/admission.test.ts', 'gateway/admission/pace.test.ts'],
  },
  {
    fault: 'a fan who waits may claim',
    file: claim,
    from: "if entry.state ~= 'ready' then return { 'not-your-turn' } end",
    to: '',
    tests: ['gateway/admission/admission.test.ts'],
  },
  {
    fault: 'claims are let in to a full shop',
    file: claim,
    from: 'if room - before <= 0 then',
    to: 'if room < -1000 then',
    tests: ['gateway/admission/admission.test.ts', 'gateway/admission/histories.test.ts'],
  },
  {
    fault: 'whoever leaves the shop keeps their room',
    file: 'gateway/queue/leave.lua',
    from: '  leaveShop(id)\n',
    to: '',
    tests: ['gateway/admission/admission.test.ts', 'gateway/admission/histories.test.ts'],
  },
  {
    fault: 'an admission that was replaced still shops',
    file: 'gateway/admission/check.lua',
    from: 'if entry.jti ~= asked.jti and not entry.adopted then',
    to: 'if false then',
    tests: ['gateway/admission/admission.test.ts', 'gateway/door/routes.test.ts'],
  },
  {
    fault: 'positions are off within a block',
    file: 'gateway/queue/waiting-bits.ts',
    from: 'for (let i = block * BLOCK_BYTES; i < byteIndex; i += 1)',
    to: 'for (let i = block * BLOCK_BYTES; i <= byteIndex; i += 1)',
    tests: ['gateway/queue/waiting-bits.test.ts'],
  },
  {
    fault: 'the MAC of a queue ticket is not looked at',
    file: 'gateway/queue/ticket.ts',
    from: 'if (!isSameText(mac, text.slice(-MAC_LENGTH))) return null;',
    to: '',
    tests: ['gateway/queue/ticket.test.ts'],
  },
  {
    fault: 'a queue ticket is good for every sale',
    file: 'gateway/queue/credentials.ts',
    from: 'return ticket?.sale === sale ? ticket : null;',
    to: 'return ticket;',
    tests: ['gateway/queue/routes.test.ts', 'gateway/queue/poll-branch.test.ts'],
  },
  {
    fault: 'anybody may say what address they have',
    file: 'gateway/limits/client-address.ts',
    from: 'hop !== undefined && isTrusted(address);',
    to: 'hop !== undefined;',
    tests: ['gateway/limits/client-address.test.ts'],
  },
  {
    fault: 'no limit ever holds',
    file: 'shared/rate-limiter.ts',
    from: 'if (wait > 0) return wait;',
    to: '',
    tests: ['shared/rate-limiter.test.ts'],
  },
  {
    fault: 'another site may act for a fan',
    file: 'gateway/door/origin.ts',
    from: "if (site !== undefined) return site !== 'same-origin' && site !== 'none';",
    to: 'if (site !== undefined) return false;',
    tests: ['gateway/app.test.ts', 'gateway/door/routes.test.ts'],
  },
  {
    fault: 'the door lets a token of another sale through',
    file: 'gateway/door/door.ts',
    from: 'if (claims.sale !== params.sale)',
    to: 'if (claims.sale === null)',
    tests: ['gateway/door/routes.test.ts'],
  },
  {
    fault: 'a token is good for ever',
    file: 'shared/admission-token.ts',
    from: "if (exp + toleranceSeconds <= nowSeconds) return 'expired';",
    to: '',
    tests: ['shared/admission-token.test.ts'],
  },
  {
    fault: 'the header of a token is not looked at',
    file: 'shared/admission-token.ts',
    from: 'AdmissionHeader.parse(protectedHeader);',
    to: '',
    tests: ['shared/admission-token.test.ts'],
  },
  {
    fault: 'the draw keeps the order of the ids',
    file: 'gateway/lobby/order.ts',
    from: '      order.sort();\n',
    to: '',
    tests: ['gateway/lobby/order.test.ts'],
  },
  {
    fault: 'names are put into mails as they are',
    file: 'booking-service/mail/words.ts',
    from: 'text.replace(/[&<>"\']/g, (character) => escapes[character] as string)',
    to: 'text.replace(/[&]/g, (character) => escapes[character] as string)',
    tests: ['booking-service/mail/order-confirmed.test.ts'],
  },
];
