import type { Op } from '../history/recorder.ts';
import type { Answer, ask } from '../journeys/http.ts';
import { count, type World } from './world.ts';

/** What a fan asks of the queue goes into the history too; as from `ask`, no answer is an error. */
export function recordedAsk(world: World, sale: string, fan: string): typeof ask {
  return async <Body>(
    ...[method, url, { json, headers = {} } = {}]: Parameters<typeof ask>
  ): Promise<Answer<Body>> => {
    const asked = await world.history.ask({
      ...{ op: opOf(method, url), method: method as 'GET', url, sale, fan, who: fan, json },
      token: headers.authorization?.replace('Bearer ', '') ?? '',
      key: headers['idempotency-key'],
      cutAfterMs: world.patience.answerMs,
    });
    if (asked.status === 0) {
      count(world, `no answer of the queue (${asked.op})`);
      throw new Error(`no answer: ${asked.broken ?? 'not in time'}`);
    }
    return { status: asked.status, headers: {}, body: asked.body as Body };
  };
}

function opOf(method: string, url: string): Op {
  if (url.endsWith('/claim')) return 'claim';
  if (method === 'DELETE') return 'leave the queue';
  return method === 'GET' ? 'poll' : 'join';
}
