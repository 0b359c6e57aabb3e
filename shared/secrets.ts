/**
 * The secrets of a variable that may name several, separated by commas, so that they can be changed while fans are there: the
 * first signs or is sent, all of them verify (RUNBOOK.md, "Change keys").
 */
export const secretsOf = (text: string): [first: string, ...others: string[]] =>
  text.split(',').map((each) => each.trim()) as [string, ...string[]];
