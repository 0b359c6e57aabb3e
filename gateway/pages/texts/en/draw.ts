import type { StepName } from '../../../lobby/judgement.ts';
import type { PluralForms } from '../../words.ts';

/** The draw: explained, published, and computed again in the reader's own browser. */
export const draw = {
  title: 'The draw',
  none: 'This sale has no lobby, so there is no draw: places go by arrival.',
  back: 'Back to the queue',
  explained: {
    seedBefore:
      'Before the lobby opens we choose a secret number, the seed, and publish its fingerprint, so that we cannot exchange it.',
    seed: 'We choose a secret number, the seed, and publish its fingerprint, so that we cannot exchange it.',
    lobby: 'At the opening the list of everybody in the lobby is closed and gets a fingerprint too.',
    order: 'Seed and list alone decide the order, so that anybody can compute it again.',
    orderWithBeacon:
      'Seed, list and a public value that nobody could know before the opening alone decide the order, so that anybody can compute it again.',
  },

  areIn: {
    one: 'One fan is in the lobby.',
    other: '{n} fans are in the lobby.',
  } as PluralForms,
  keepPlaces: 'Everyone in it keeps a place ahead of everybody who came later.',
  standing: {
    neverDrawn: {
      title: 'Nothing is drawn',
      text: 'The sale was closed before it opened. Nobody of the lobby has a number, and nobody gets a turn.',
    },
    committed: {
      title: 'The lobby decides nothing yet',
      text: 'The draw is held when the sale opens, {day}. Being earlier does not help. Whoever wants to check it notes the fingerprint of the seed now.',
    },
    frozen: { title: 'The lobby is closed', text: 'Its fingerprint is being computed.' },
    tooLate: {
      title: 'The draw waits for the organiser',
      text: 'The fingerprint of the lobby was published when “{name}” could be known already, so that value would prove nothing and is not taken. The organiser has to draw without it, and to say why; the reason will stand here.',
    },
    awaitingBeacon: {
      title: 'The draw waits for its public value',
      text: 'The order is drawn as soon as “{name}” is known, from {from} on. Whoever wants to check it notes the fingerprint of the lobby now.',
    },
    drawing: { title: 'The order is being written', text: 'The numbers are given in these seconds.' },
    unproven: {
      title: 'This draw cannot be proven',
      text: 'This shop lost data after the lobby was closed, and with it who was in the lobby or how it was drawn. Numbers that fans had been shown stay theirs; whoever else came back got one of the others by chance. Nobody can compute that order again, and nobody can tell whether it was chosen.',
    },
    empty: { title: 'Nobody was in the lobby', text: 'Places went by arrival.' },
    drawn: { title: 'The order is drawn', text: 'Whoever came later stands behind.' },
  },
  haveNumbers: {
    one: 'One fan has the number 1.',
    other: '{n} fans have the numbers 1 to {n}.',
  } as PluralForms,

  published: {
    title: 'What is published',
    seedPrintBefore: 'Fingerprint of the seed (SHA-256), there before the lobby opened:',
    seedPrintAt: 'Fingerprint of the seed (SHA-256), published {time}:',
    recommitted:
      'This shop lost data after the lobby had opened, and with it the seed whose fingerprint stood here before: this one was chosen since. That it was chosen without a look at who is in the lobby nobody can tell.',
    lobbyPrint: 'Fingerprint of the lobby (SHA-256 of the ids in byte order, joined by line feeds):',
    lobbyPrintAt:
      'Fingerprint of the lobby (SHA-256 of the ids in byte order, joined by line feeds), published {time}:',
    seed: 'Seed:',
    seedAt: 'Seed, published {time}:',
    beacon:
      'Public value, named before the lobby opened: “{name}”, known from {from} on. What counts: {rule}.',
    source: 'Its source',
    beaconAt: '{value}, published {time}',
    rule: 'The order is ascending by HMAC-SHA256 of the id. The key is the seed’s 32 bytes, then the 32 bytes of the lobby’s fingerprint.',
    ruleWithBeacon:
      'The order is ascending by HMAC-SHA256 of the id. The key is the seed’s 32 bytes, then the 32 bytes of the lobby’s fingerprint, then the public value as it stands here.',
    all: 'All of it, with the ids in order, is at {address}.',
    atOpening: 'at the opening',
    afterDraw: 'after the draw',
    lost: 'not published: this draw was lost',
    never: 'not published: the sale was closed before it opened',
    notUsed: 'not used',
    notKnown: 'not known yet',
  },

  recompute: {
    title: 'Compute it yourself',
    idOfPlace: 'The id of a place, to find it',
    idOfYours: 'The id of a place: this is yours',
    compute: 'Compute the order again',
    progress: 'How much is computed',
    needsScript: 'Your browser would do it here with JavaScript.',
    yourId: 'The id of your place is {id}.',
    otherwise: 'Or with the command {command}, or ten lines of your own: the rule below is all there is.',
  },
  /** What the page's script says. */
  said: {
    computing: 'Your browser is computing …',
    holds: 'The draw is what it says: your browser has computed the same order.',
    broken: 'This draw is NOT what it says. Keep what is published here, and ask the organiser about it.',
    unreadable: 'The draw could not be read. Please try again.',
    findId: 'Find this id',
    place: 'In the published order the id {id} is number {number} of {count}.',
    noPlace: 'The id {id} is not in this draw. Whoever came after the opening stands behind it.',
  },
  steps: {
    otherSale: 'This is the draw of the sale {given}, not of {sale}.',
    unpublished: 'It is said to be drawn, and its seed and ids are not published.',
    seed: 'The seed is the one whose fingerprint is published.',
    wrongSeed: 'The seed is not the one whose fingerprint was published.',
    recommitted:
      'Nobody can tell whether the seed was chosen before anybody was in the lobby: the shop lost data after the lobby had opened, and this fingerprint is from {at}.',
    closedAgain:
      'Nobody can tell who was in the lobby when it was closed first: the shop lost that with its data, and closed it once more with those who came back.',
    order: 'Seed and lobby give this very order.',
    orderWithBeacon: 'Seed, lobby and public value give this very order.',
    wrongOrder: 'Number {number} stands where the rule does not put it.',
    wrongCount: '{entries} were in the lobby at the opening, and {drawn} were drawn.',
    notAnId: 'What was drawn as number {number} is not an id.',
    ids: 'The ids, {drawn} in all, are those whose fingerprint is published.',
    wrongIds: 'The ids are not those whose fingerprint was published at the opening.',
    noBeacon: 'No public value was named for this draw, and none is mixed in.',
    unnamedBeacon: 'A public value is mixed in that had not been named.',
    withoutBeacon:
      'Nobody can tell whether the outcome was chosen: “{name}” was named and not used, for this reason: “{reason}”',
    withdrawnBeacon: '“{name}” is said not to be used, and a value of it is mixed in.',
    missingBeacon: '“{name}” was named, and no value of it is mixed in.',
    beaconAfter:
      'The lobby was closed, and its fingerprint published, before the public value could be known.',
    beaconBefore:
      'The public value could be known from {from} on, and the lobby was closed, or its fingerprint published, at {late}: whoever runs the sale could choose the outcome.',
    beaconBeforeUntold:
      'The public value could be known from {from} on, and when the lobby was closed, or its fingerprint published, is not told: whoever runs the sale could choose the outcome.',
    beaconTooEarly: 'The public value was given at {at}, before anybody could know it.',
  } satisfies Record<StepName, string>,

  limits: {
    title: 'What this does not prove',
    noted:
      'That the fingerprints stood here when we say: that is known to whoever noted them. And that everybody in the lobby is a person of their own.',
    closedAgain:
      'Who was in the lobby when it was closed first: this shop lost that with its data, and closed it once more with those who came back.',
    withoutBeacon:
      'That whoever runs this sale did not choose the outcome: a public value was named, and the draw was made without it. The reason that was given: “{reason}”',
    isTheirs: 'That the public value is the one “{name}” has: look it up there.',
    noBeacon:
      'That whoever runs this sale did not try several seeds or lobbies and take the one they liked: that would take a public value from after the opening, and none was named for this sale.',
  },
};
