import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export type Watched = { name: string; pid: number };

/** Of a process and all that descends from it, such as PostgreSQL's backends. */
export type Used = {
  /** Processor time so far, of those too that have ended since and were waited for. */
  cpuMs: number;
  /** Without shared memory, which PostgreSQL fills as it should, and each backend would count once more. */
  memoryBytes: number;
  handles: number;
};

/** Linux tells times in hundredths of a second, whatever its own clock does (USER_HZ, proc(5)). */
const TICK_MS = 10;
const KIB = 1024;
/** Where they stand among the fields of /proc/<pid>/stat that follow the command's name. */
const PARENT = 1;
const TIMES = [11, 12, 13, 14];

/** What each uses now; whoever has ended, or may not be looked at, is left out. Linux only: empty elsewhere. */
export function lookAt(watched: readonly Watched[], platform: string = process.platform): Map<string, Used> {
  if (platform !== 'linux') return new Map();
  const stats = new Map<number, string[]>();
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const fields = Number.isInteger(pid) ? statFields(pid) : null;
    if (!fields) continue;
    stats.set(pid, fields);
    const parent = Number(fields[PARENT]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const familyOf = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(familyOf)];
  const found = new Map<string, Used>();
  for (const { name, pid } of watched) {
    if (!stats.has(pid)) continue;
    const used = familyOf(pid).flatMap((each) => usedBy(each, stats.get(each) ?? []) ?? []);
    const sum = (what: keyof Used) => used.reduce((total, each) => total + each[what], 0);
    if (used.length > 0)
      found.set(name, { cpuMs: sum('cpuMs'), memoryBytes: sum('memoryBytes'), handles: sum('handles') });
  }
  return found;
}

/** What all processors of this machine have worked so far, whoever for. */
export function machineCpuMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

function usedBy(pid: number, fields: string[]): Used | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return {
      cpuMs: TIMES.reduce((sum, at) => sum + Number(fields[at]), 0) * TICK_MS,
      memoryBytes: (kib('RssAnon') + kib('RssFile')) * KIB,
      handles: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold blanks and brackets; the fields begin behind its last closing bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** It has ended meanwhile, or is somebody else's. */
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(String((error as NodeJS.ErrnoException).code));
