/**
 * Foreground check: whether this process may use its terminal. A job that a shell runs in the background (`heddle run &`) is stopped
 * by the system where it changes the terminal's mode. Knows no output.
 */
import { readFileSync } from "node:fs";

/** Where the system does not say (other than Linux): yes. */
export function isInForeground(): boolean {
  try {
    return isForegroundJob(readFileSync("/proc/self/stat", "latin1"));
  } catch {
    return true;
  }
}

/** `stat`: the line of /proc. A process without a controlling terminal is nobody's background job. */
export function isForegroundJob(stat: string): boolean {
  // Behind the program's name, which may hold anything: state, parent, group, session, terminal, its foreground group.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [group, terminalGroup] = [Number(fields[2]), Number(fields[5])];
  return !(terminalGroup > 0) || terminalGroup === group;
}
