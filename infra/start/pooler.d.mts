export function readPooler(
  env: Record<string, string | undefined>,
  options: { scaled: boolean; faults: string[] },
): boolean;
