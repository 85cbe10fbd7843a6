/** `heddle doctor`: prints what the doctor of the project finds. */
import { doctor as examine } from "../../project/doctor.ts";
import type { DoctorFinding } from "../../project/finding.ts";
import { EXIT, openToRead, openToWrite, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn } from "../flag-values.ts";

export async function doctorCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { dir, env } = context;
  const fix = isFlagOn(flags, "fix");
  const findings = await examine({
    dir,
    env,
    fix,
    open: (access) => (access === "create" ? openToWrite(context) : openToRead(context)),
    agents: async () => (await import("../../host/open.ts")).openAgentMaintenance(dir),
  });
  const failed = findings.some((finding) => finding.level === "error");
  if (context.json) context.out.json({ ok: !failed, checks: findings });
  else for (const finding of findings) print(context, finding);
  return failed ? EXIT.failed : EXIT.ok;
}

function print({ out }: Context, { check, level, message, hint }: DoctorFinding): void {
  // What is fine and has a hint can do without it.
  const mark =
    level === "ok"
      ? hint === undefined
        ? out.style("green", "✓")
        : out.style("dim", "·")
      : level === "warning"
        ? out.style("yellow", "!")
        : out.style("red", "✗");
  out.line(`${mark} ${check}: ${safeLine(message)}`);
  if (hint !== undefined) out.line(`    ${safeLine(hint)}`);
}
