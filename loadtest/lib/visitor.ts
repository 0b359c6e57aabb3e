import http from 'k6/http';
import { Rate } from 'k6/metrics';
import { recordAnswer } from './record.ts';
import { ANSWER_TIMEOUT, shopUrl } from './settings.ts';

const NOT_MODIFIED = 304;

/** Of questions that say what the visitor has, how many were answered with "that is what there is". */
export const notModified = new Rate('not_modified');
/** Of answers with a body, how many say what they must. */
export const asExpected = new Rate('as_expected');

/** Somebody who reads, with a cache of their own as a browser has. */
export class Visitor {
  readonly name: string;
  private readonly tags = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Opens a page or asks for a fact; whoever has it says so. `says`: what must stand in it. */
  open(path: string, says: string): void {
    const known = this.tags.get(path);
    const sentAt = Date.now();
    const response = http.get(`${shopUrl()}${path}`, {
      headers: known === undefined ? {} : { 'if-none-match': known },
      tags: { name: 'browse' },
      timeout: ANSWER_TIMEOUT,
      responseCallback: http.expectedStatuses({ min: 200, max: 304 }),
    });
    const { status } = response;
    recordAnswer({ fan: this.name, step: 'browse', sentAt, tookMs: Date.now() - sentAt, status });
    if (known !== undefined) notModified.add(status === NOT_MODIFIED);
    if (status === NOT_MODIFIED) return;
    asExpected.add(status === 200 && String(response.body).includes(says));
    const tag = response.headers.Etag;
    if (tag !== undefined) this.tags.set(path, tag);
  }
}
