/** The queue page as everybody gets it: few words, for all of it has to fit in 3 KB. Its script fills in `{n}`. */
export const shell = {
  goOn: 'Continue',
  position: 'Position: {n}',
  ahead: '{n} ahead of you',
  next: 'You are next',
  rate: 'About {n} a minute are let in',
  wait: 'Your wait: {n}',
  waitUnknown: 'Your wait: we cannot say yet',
  held: 'All seats left are in baskets; the next may return at {n}',
  paused: 'The organiser has paused entry. Nobody overtakes you.',
  safe: 'Your place is kept',
  away: 'We keep trying to reach the queue',
  rules: (grace: string, claim: string) =>
    `You may close this page or lock your phone: your place is kept for ${grace}. Once it is your turn, it waits ${claim}.`,
  lobbyRule: 'Whoever is here by then gets a random place; earlier is no better, later is behind.',
  draw: 'Check the draw',
  drawing: 'The order of the lobby is being drawn.',
  beacon: 'The order of the lobby is drawn as soon as “{name}” is known.',
  updated: 'Updated {n}. Refresh',
  more: 'Alerts, leave the queue',
  prices: 'Prices, all fees included',
};
