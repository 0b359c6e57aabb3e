import { readFileSync } from 'node:fs';

/** How many files and connections the system lets this process have open at once; null where it does not say. */
export function openFilesMax(): number | null {
  return limitOfLinux() ?? limitInReport();
}

/** proc_pid_limits(5), where there is one: Node's report takes a quarter of a second where it reads a source map for its stack. */
function limitOfLinux(): number | null {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(soft) || null;
  } catch {
    return null; // no Linux: the report knows
  }
}

function limitInReport(): number | null {
  // Whom this machine is connected to, and under which name, is nothing that anybody asks here.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  return Number(userLimits?.open_files?.soft) || null;
}
