/** How a difference is printed: as bytes for programs, as text for people, and never as the whole where it is a part. */
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { printDiff } from "../../src/cli/commands/diff.ts";
import { Output } from "../../src/cli/output.ts";
import type { RunDiff } from "../../src/project/port.ts";

async function printed(diff: Partial<RunDiff>, { isTTY = false, json = false, env = {} as NodeJS.ProcessEnv } = {}) {
  const chunks: Record<"out" | "err", Buffer[]> = { out: [], err: [] };
  const stream = (name: "out" | "err") =>
    Object.assign(new Writable({ write: (chunk: Buffer, _, done) => (chunks[name].push(chunk), done()) }), { isTTY });
  const out = new Output({ env, debug: false, stdout: stream("out"), stderr: stream("err") });
  const context = { out, clock: systemClock(), dir: "/", env, json, command: "diff" };
  const files = [{ path: "a.txt", status: "modified", added: 1, removed: 0 }] as const;
  const code = await printDiff(context, {
    run: "r1",
    of: "integration",
    from: "f".repeat(40),
    to: "e".repeat(40),
    files,
    ...diff,
  });
  return { code, stdout: Buffer.concat(chunks.out), stderr: Buffer.concat(chunks.err).toString() };
}

const BYTES = Buffer.from([0x2b, 0xff, 0x1b, 0x5b, 0x32, 0x4a, 0x0a]);

test("for programs it is the bytes of git, with colours forced as well", async () => {
  for (const env of [{}, { FORCE_COLOR: "1" }]) {
    const { code, stdout, stderr } = await printed({ patch: { bytes: BYTES, isCut: false } }, { env });
    expect([code, stdout.equals(BYTES), stderr]).toEqual([0, true, ""]);
  }
  const shown = await printed({ patch: { bytes: BYTES, isCut: false } }, { isTTY: true, env: { NO_COLOR: "1" } });
  expect(shown.stdout.toString()).toBe("+\u{fffd}^[[2J\n");
});

test("a part of it is a failure where it is written, and a remark where it is shown", async () => {
  const patch = { bytes: BYTES, isCut: true };
  const written = await printed({ patch });
  expect([written.code, written.stderr]).toEqual([1, expect.stringContaining("git diff ffffffffff eeeeeeeeee")]);
  expect(written.stderr).toContain("DiffTooLarge");
  const tree = await printed({ patch, of: "worktree", step: "a b", to: null });
  expect(tree.stderr).toContain("heddle worktrees open r1 'a b'");
  const shown = await printed({ patch }, { isTTY: true });
  expect([shown.code, shown.stderr]).toEqual([0, expect.stringContaining("Only the beginning is shown")]);
});

test("what is not merged is told apart, beside the patch and not in it", async () => {
  const captured = { of: "captured", step: "api", attempt: 2 } as const;
  const { stderr } = await printed({ ...captured, patch: { bytes: BYTES, isCut: false } });
  expect(stderr).toBe("api is not merged in run r1. This is what attempt 2 left (eeeeeeeeee).\n");
  expect((await printed({ of: "worktree", step: "api", to: null })).stderr).toContain("is being worked on");
  const none = await printed({ files: [], patch: { bytes: Buffer.alloc(0), isCut: false } });
  expect([none.code, none.stdout.length, none.stderr]).toEqual([0, 0, "No difference.\n"]);
  const json = await printed({ ...captured, patch: { bytes: BYTES, isCut: false } }, { json: true });
  expect([JSON.parse(json.stdout.toString()), json.stderr]).toEqual([
    expect.not.objectContaining({ patch: expect.anything() }),
    "",
  ]);
});
