/** Something the person at the keyboard can act on: its message is shown as it is, without a stack. */
export class LaunchError extends Error {}

/** What is printed when starting fails: a sentence for what was expected, a stack for what was not. */
export const describeFailure = (error) =>
  error instanceof LaunchError ? error.message : error instanceof Error ? error.stack : String(error);
