/** Whether a process that is known by its id is still the one that was meant. Without packages, because the probe uses it too. */
import { readFileSync } from 'node:fs';

/** Whether a process with this id runs. One that has ended and was never collected, as in containers without an init, does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return processStat(pid)?.[0] !== 'Z';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether it runs and is no other that got the same id since: ids come back, also as those of threads. `began` is empty where the system does not tell. */
export function isStill(pid: number, began: string | null | undefined): boolean {
  if (!isAlive(pid)) return false;
  const now = processBegan(pid);
  return !began || now === null || now === began;
}

/** The process's start, in clock ticks since boot; null where the system does not tell. */
export const processBegan = (pid: number): string | null => processStat(pid)?.[19] ?? null;

/** The fields of /proc/PID/stat from the third, the state, on. The command before it may hold spaces and brackets. */
function processStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
