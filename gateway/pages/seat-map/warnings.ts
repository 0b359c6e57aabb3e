/** A word about a clock, from so many seconds before its end on. */
export type Warning = { seconds: number; text: string };

/** The warning that a time left calls for: of those whose moment has come the latest, null while there is none. */
export function warningFor(secondsLeft: number, warnings: readonly Warning[]): Warning | null {
  let due: Warning | null = null;
  for (const warning of warnings)
    if (secondsLeft <= warning.seconds && warning.seconds < (due?.seconds ?? Number.POSITIVE_INFINITY))
      due = warning;
  return due;
}
