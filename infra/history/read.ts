import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Lead } from './clocks.ts';
import type { AnswerRecord, EndRecord, ExpectRecord, HistoryRecord, SaleRecord } from './record.ts';

export type History = {
  sale: SaleRecord;
  /** How far the load generator's clock is ahead, where that is known; else it is concluded from the answers. */
  lead?: Lead;
  /** By fan, each fan's answers in the order in which they came: a fan asks one thing at a time. */
  fans: Map<string, AnswerRecord[]>;
  ends: EndRecord[];
  expect: ExpectRecord | null;
  /** By order, since when it may have been refunded: its seats may then be others'. */
  refunds: ReadonlyMap<string, number>;
  /** How many records there are; k6 counts them too. */
  records: number;
  /** What else k6 wrote: its own messages. */
  messages: string[];
};

const MESSAGES_KEPT_MAX = 20;

/** Reads what a run recorded. Throws when the run did not even make its sale. */
export async function readHistory(file: string): Promise<History> {
  return historyOf(
    createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY }),
  );
}

export async function historyOf(lines: AsyncIterable<string> | Iterable<string>): Promise<History> {
  let sale: SaleRecord | null = null;
  const rest = {
    fans: new Map<string, AnswerRecord[]>(),
    ends: [] as EndRecord[],
    expect: null as ExpectRecord | null,
    refunds: new Map<string, number>(),
    records: 0,
    messages: [] as string[],
  };
  for await (const line of lines) {
    if (!line.startsWith('{"kind":')) {
      if (line !== '' && rest.messages.length < MESSAGES_KEPT_MAX) rest.messages.push(line);
      continue;
    }
    const record = JSON.parse(line) as HistoryRecord;
    rest.records += 1;
    if (record.kind === 'sale') sale = record;
    else if (record.kind === 'expect') rest.expect = record;
    else if (record.kind === 'end') rest.ends.push(record);
    else {
      const known = rest.fans.get(record.fan);
      if (known) known.push(record);
      else rest.fans.set(record.fan, [record]);
    }
  }
  if (!sale)
    throw new Error(`The run made no sale.${rest.messages.map((message) => `\n  ${message}`).join('')}`);
  return { sale, ...rest };
}
