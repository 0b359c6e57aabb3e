/**
 * How holds of several fans go from a gateway to the booking service in one request: a line of JSON each, and a line of JSON
 * for each answer as soon as there is one, in whatever order they come. Each has its own token, id, status and headers.
 */
export const HOLDS_TOGETHER_PATH = '/internal/holds';
export const HOLDS_TOGETHER_MAX = 64;
/** Less than nginx lets through between the services. */
export const HOLDS_TOGETHER_BYTES_MAX = 512 * 1024;

/** A hold as it would have been asked for alone. `body`: a character a byte, whatever they are (Latin-1), as are the lines. */
export type AskedHold = [sale: string, headers: Record<string, string>, body: string];

/** `place`: among the lines that were asked. These lines are UTF-8. */
export type AnsweredHold = [place: number, status: number, headers: Record<string, string>, body: string];
