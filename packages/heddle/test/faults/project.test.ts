/** What happens to the project folder and its journal: full, read-only, damaged, newer, removed, wanted by two. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { smallDisk } from "../journal/tmpfs.ts";
import { eventsOf, expectClean, expectRefusal, expectSound, kinds, place, plan } from "./rig.ts";
import { until } from "../support/until.ts";
import type { Rig } from "../support/command-line.ts";

const canMount = ((): boolean => {
  using disk = smallDisk(64);
  return disk !== undefined;
})();
const WAIT = "while [ ! -e go ]; do sleep 0.02; done";
const WAITING = `steps:
  - {id: a, run: "echo one >> effects; echo first"}
  - {id: b, run: "touch waiting; ${WAIT}", deps: [a]}
  - {id: c, run: "echo three", deps: [b]}
`;

function state(at: Rig): string {
  return join(at.dir, ".heddle/state.db");
}

async function ran(at: Rig): Promise<string> {
  const ended = await at.heddle(["run", "--json"]);
  expect(ended.code, ended.stderr).toBe(0);
  return eventsOf(ended)[0]?.run ?? "";
}

describe("a journal", () => {
  test("of a newer format is refused by every command, untouched", async () => {
    using at = place({ "heddle.yaml": plan({ a: "echo one" }) });
    await ran(at);
    const driver = new DatabaseSync(state(at));
    driver.exec("PRAGMA user_version = 99");
    driver.close();
    const before = readFileSync(state(at));
    for (const words of [["run"], ["resume"], ["show"], ["runs", "--json"], ["history"]]) {
      expectRefusal(await at.heddle(words), 1, "JournalTooNew", /format 99[^]*Update heddle/);
    }
    expect(readFileSync(state(at)).equals(before)).toBe(true);
  });

  test("that is none, or is damaged in its head, is refused and kept", async () => {
    using at = place({ "heddle.yaml": plan({ a: "touch executed" }) });
    mkdirSync(join(at.dir, ".heddle"));
    const text = "this is no database ".repeat(500);
    writeFileSync(state(at), text);
    for (const words of [["run"], ["resume"], ["show"], ["runs"]]) {
      expectRefusal(await at.heddle(words), 1, "JournalDamaged", /state\.db[^]*backup/);
    }
    expect(readFileSync(state(at), "utf8")).toBe(text);
    expect(existsSync(join(at.dir, "executed"))).toBe(false);
  });

  test("with one damaged record: that run is refused by name, others go on", async () => {
    using at = place({ "heddle.yaml": plan({ a: "echo a-word-to-find" }) });
    const damagedRun = await ran(at);
    const bytes = readFileSync(state(at));
    const found = bytes.lastIndexOf("a-word-to-find");
    expect(found).toBeGreaterThan(0);
    bytes[found] = (bytes[found] ?? 0) ^ 1;
    writeFileSync(state(at), bytes);
    for (const command of ["show", "replay", "history", "watch", "resume", "logs"]) {
      expectRefusal(await at.heddle([command, damagedRun]), 1, "JournalDamaged", `event 1 of run ${damagedRun}`);
    }
    await expectSound(at, await ran(at));
  });

  test("whose place is taken by a folder, or whose folder by a file", async () => {
    using at = place({ "heddle.yaml": plan({ a: "echo one" }), ".heddle": "a file" });
    expectRefusal(await at.heddle(["run"]), 1, "ProjectUnwritable", /is a file[^]*Move the file away/);
    expectRefusal(await at.heddle(["show"]), 1, "JournalUnusable", "Move that file away");
    rmSync(join(at.dir, ".heddle"));
    mkdirSync(state(at), { recursive: true });
    expectRefusal(await at.heddle(["run"]), 1, "JournalUnusable", /not a plain file[^]*Move it away/);
  });
});

describe("while a run goes on", () => {
  test("a second process gets an error that names the holder, and the run is not disturbed", async () => {
    using at = place({ "heddle.yaml": WAITING });
    const first = at.spawn(["run"]);
    await until(() => existsSync(join(at.dir, "waiting")));
    const said = new RegExp(`heddle run \\(pid ${first.child.pid}\\)[^]*heddle watch`);
    for (const command of ["resume", "retry", "rollback"]) {
      expectRefusal(await at.heddle([command]), 2, "RunHeld", said);
    }
    at.write("go", "");
    expect((await first.done).code).toBe(0);
    const events = await expectSound(at);
    expect(kinds(events).filter((kind) => kind.startsWith("run."))).toEqual([
      "run.created",
      "run.started",
      "run.succeeded",
    ]);
    expect(readFileSync(join(at.dir, "effects"), "utf8")).toBe("one\n");
  });

  test("its plan file can go: the run ends as recorded, and a resume goes on with the recorded plan", async () => {
    using at = place({ "heddle.yaml": `${WAITING}  - {id: d, run: "test -e mended", deps: [c]}\n` });
    const first = at.spawn(["run"]);
    await until(() => existsSync(join(at.dir, "waiting")));
    rmSync(join(at.dir, "heddle.yaml"));
    at.write("go", "");
    expect((await first.done).code).toBe(1);
    at.write("mended", "");
    const resumed = await at.heddle(["resume"]);
    expectClean(resumed);
    expect(resumed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("heddle.yaml does not exist any more") as string,
    });
    const events = await expectSound(at);
    expect(kinds(events).filter((kind) => kind === "step.started a")).toEqual(["step.started a"]);
    expect(readFileSync(join(at.dir, "effects"), "utf8")).toBe("one\n");
  });

  test("its logs and files can go: what follows is logged again", async () => {
    using at = place({ "heddle.yaml": WAITING });
    const first = at.spawn(["run"]);
    await until(() => existsSync(join(at.dir, "waiting")));
    rmSync(join(at.dir, ".heddle/runs"), { recursive: true });
    at.write("go", "");
    const ended = await first.done;
    expectClean(ended);
    expect(ended.code, ended.stdout).toBe(0);
    await expectSound(at);
    expect((await at.heddle(["logs", "c"])).stdout).toBe("three\n");
    const gone = await at.heddle(["logs", "a"]);
    expect(gone).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("its log was removed") as string,
    });
  });

  test("its journal can not: the run stops before it tells anybody of what is not on disk", async () => {
    using at = place({ "heddle.yaml": WAITING });
    const first = at.spawn(["run"]);
    await until(() => existsSync(join(at.dir, "waiting")));
    rmSync(join(at.dir, ".heddle"), { recursive: true });
    at.write("go", "");
    const ended = await first.done;
    expectRefusal(ended, 1, "JournalRemoved", "heddle run");
    expect(ended.stdout).not.toMatch("heddle resume");
    expect(ended.stdout).not.toMatch(/\[b\] . succeeded/);
    expect(ended.stdout).not.toMatch("[c]");
    // The next run is as if nothing had been there.
    expect((await at.heddle(["run"])).code).toBe(0);
    await expectSound(at);
  });

  test("nor be exchanged for an older copy of itself", async () => {
    using at = place({ "heddle.yaml": WAITING });
    const first = at.spawn(["run"]);
    await until(() => existsSync(join(at.dir, "waiting")));
    renameSync(join(at.dir, ".heddle"), join(at.dir, "kept"));
    mkdirSync(join(at.dir, ".heddle"));
    writeFileSync(state(at), readFileSync(join(at.dir, "kept/state.db")));
    at.write("go", "");
    expectRefusal(await first.done, 1, "JournalRemoved");
    rmSync(join(at.dir, ".heddle"), { recursive: true });
    renameSync(join(at.dir, "kept"), join(at.dir, ".heddle"));
    expect((await at.heddle(["resume"])).code).toBe(0);
    await expectSound(at);
    expect(readFileSync(join(at.dir, "effects"), "utf8")).toBe("one\n");
  });
});

// Counted by vitest as skipped where this user may not mount.
describe.skipIf(!canMount)("a disk", () => {
  test("that is full: the message names it, nothing recorded is lost, and a resume goes on", async () => {
    using disk = smallDisk(1024);
    if (disk === undefined) throw new Error("mounting worked a moment ago");
    // Effects and gates lie beside the small disk.
    using outside = place();
    const gate = outside.gate("before-the-third");
    const steps = Array.from({ length: 5 }, (_, i) => {
      const wait = i === 2 ? `test -e ../gone-on || { ${gate.command}; }; ` : "";
      return `  - {id: s${i}, run: "${wait}echo ${i} >> ../effects-${i}"${i === 0 ? "" : `, deps: [s${i - 1}]`}}`;
    });
    mkdirSync(join(outside.dir, "project"));
    execFileSync("mount", ["--bind", disk.path, join(outside.dir, "project")]);
    try {
      using at = place({ "heddle.yaml": `steps:\n${steps.join("\n")}\n` }, join(outside.dir, "project"));
      const running = at.start(["run"]);
      await gate.reached();
      spawnSync("sh", ["-c", "cat /dev/zero > fill"], { cwd: at.dir });
      outside.write("gone-on", "");
      await gate.open();
      const ended = await running.done;
      expect(ended.code).toBe(1);
      expectClean(ended);
      expect(ended.stderr + ended.stdout).toMatch(/disk is full|No space left|ENOSPC/);
      const recorded = await expectSound(at);
      const done = recorded.filter(({ type }) => type === "step.succeeded").map(({ step }) => step);
      expect(done).toEqual(["s0", "s1"]);
      for (let i = 0; i < 2; i++) expect((await at.heddle(["resume"])).code).toBe(1);
      rmSync(join(at.dir, "fill"));
      const resumed = await at.heddle(["resume"]);
      expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
      await expectSound(at);
      for (const step of done) expect(outside.read(`effects-${String(step).slice(1)}`).split("\n").length).toBe(2);
    } finally {
      spawnSync("umount", ["-l", join(outside.dir, "project")]);
    }
  });

  test("that is full before anything is written", async () => {
    using disk = smallDisk(16);
    if (disk === undefined) throw new Error("mounting worked a moment ago");
    using at = place({ "heddle.yaml": plan({ a: "echo one" }) }, disk.path);
    spawnSync("sh", ["-c", "cat /dev/zero > fill"], { cwd: disk.path });
    const ended = await at.heddle(["run"]);
    expectRefusal(ended, 1, "DiskFull", /disk is full[^]*Free some space/);
    rmSync(join(disk.path, "fill"));
    disk.remount("size=4096k");
    expect((await at.heddle(["run"])).code).toBe(0);
    await expectSound(at);
  });

  describe("that is read-only", () => {
    let at: Rig;
    let run = "";
    beforeAll(async () => {
      at = place({ "heddle.yaml": plan({ a: "echo one" }), "fresh/heddle.yaml": plan({ a: "echo one" }) });
      run = await ran(at);
      execFileSync("mount", ["--bind", at.dir, at.dir]);
      execFileSync("mount", ["-o", "remount,ro,bind", at.dir]);
    });
    afterAll(() => {
      spawnSync("umount", ["-l", at.dir]);
      at[Symbol.dispose]();
    });

    test("refuses to run, saying why", async () => {
      expectRefusal(await at.heddle(["run"]), 1, "JournalReadOnly", "permissions");
      expectRefusal(await at.heddle(["resume", run]), 1, "JournalReadOnly", "permissions");
      using fresh = place({}, join(at.dir, "fresh"));
      expectRefusal(await fresh.heddle(["run"]), 1, "ProjectUnwritable", /read-only file system[^]*writable/);
      expect(readdirSync(fresh.dir)).toEqual(["heddle.yaml"]);
    });

    test("can be looked at", async () => {
      expect((await at.heddle(["plan"])).code).toBe(0);
      expect((await at.heddle(["runs"])).stdout).toContain(run);
      expect((await at.heddle(["show"])).code).toBe(0);
      expect((await at.heddle(["logs", run, "a"])).stdout).toBe("one\n");
      using elsewhere = place();
      const copy = join(elsewhere.dir, "copy.db");
      expect(await at.heddle(["backup", copy])).toMatchObject({ code: 0, stderr: "" });
      expect(statSync(copy).size).toBeGreaterThan(0);
      await expectSound(at, run);
    });
  });
});
