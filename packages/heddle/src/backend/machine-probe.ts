/** Machine probe: the memory and the processors of this machine, where local attempts execute. */
import { cpus, freemem, totalmem } from "node:os";

interface MachineProbe {
  /** In MiB, of the whole machine. */
  usedMemoryMb(): number;
  /** Use of all cores since the last call, 0 to 100. */
  cpuPercent(): number;
}

export function machineProbe(): MachineProbe {
  let last = times();
  return {
    usedMemoryMb: () => (totalmem() - freemem()) / 1_048_576,
    cpuPercent() {
      const now = times();
      const total = now.total - last.total;
      const idle = now.idle - last.idle;
      last = now;
      return total <= 0 ? 0 : (100 * (total - idle)) / total;
    },
  };
}

function times(): { readonly total: number; readonly idle: number } {
  let total = 0;
  let idle = 0;
  for (const { times: spent } of cpus()) {
    total += spent.user + spent.nice + spent.sys + spent.idle + spent.irq;
    idle += spent.idle;
  }
  return { total, idle };
}
