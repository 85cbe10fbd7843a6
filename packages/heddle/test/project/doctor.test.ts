/** What the doctor finds, and that `fix` removes nothing that belongs to anybody. */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { err, ok } from "../../src/base/result.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { IntegrityReport, Journal } from "../../src/journal/port.ts";
import { doctor } from "../../src/project/doctor.ts";
import { checkAgents } from "../../src/project/doctor-agents.ts";
import { checkMachine } from "../../src/project/doctor-machine.ts";
import { examineProject } from "../../src/project/doctor-project.ts";
import type { DoctorFinding } from "../../src/project/finding.ts";
import { layoutOf, type ProjectLayout } from "../../src/project/layout.ts";
import { leaseOfNew } from "../support/suites/journal/setting.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { DIAMOND, started, succeeded } from "../view/histories.ts";
import { agentsWith, tree } from "./agents.ts";
import { RecordedRun } from "./runs.ts";

let journal: Journal;
let layout: ProjectLayout;
beforeEach(() => {
  journal = memoryJournal();
  const dir = temporaryFolder("doctor");
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  layout = layoutOf(dir);
});

function lines(findings: readonly DoctorFinding[]): readonly string[] {
  return findings.map(({ check, level, message }) => `${check} ${level}: ${message}`);
}

async function examined(fix = false): Promise<readonly string[]> {
  return lines(await examineProject({ layout, journal }, { fix }));
}

describe("a project", () => {
  test("in order has one line for each check", async () => {
    await new RecordedRun(journal, "r1", DIAMOND).begin();
    expect(await examined()).toEqual([
      "journal ok: 2 events, all checksums match",
      "runs ok: no run was interrupted",
      "history ok: 1 run, all rules hold",
      "files ok: every folder belongs to a run",
    ]);
  });

  test("names notices that are left, or could not be sent, and why", async () => {
    const lease = await leaseOfNew(journal, "r1");
    const notices = ["a", "b", "c"].map((target) => ({ seq: 1, target, body: "{}" }));
    await journal.append(lease, [], { notices });
    const [sent, failed] = await journal.takeNotices(1, 2, { pid: 1, started: "1", title: "test" });
    if (sent === undefined || failed === undefined) throw new Error("no notices");
    await journal.settleNotice(sent, { kind: "sent" });
    await journal.settleNotice(failed, { kind: "failed", why: "the receiver answered 404" });
    expect((await examined()).filter((line) => line.startsWith("notices"))).toEqual([
      "notices warning: 1 notice could not be sent, the last of run r1 (the receiver answered 404)",
      "notices warning: 1 notice left to send, the last of run r1",
    ]);
  });

  test("names runs whose engine died, ten at most", async () => {
    for (let i = 0; i < 12; i++) await (await new RecordedRun(journal, `r${i}`, DIAMOND).begin()).leave();
    const told = (await examined()).filter((line) => line.startsWith("runs"));
    expect(told).toHaveLength(10);
    expect(told[0]).toBe("runs warning: run r11 of diamond was interrupted");
  });

  test("names each run that breaks a rule once, with the first event that does", async () => {
    const run = await new RecordedRun(journal, "r1", DIAMOND).begin();
    await run.record([started("c"), succeeded("c", 1), started("d")]);
    const told = (await examined()).filter((line) => line.startsWith("history"));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^history error: run r1 breaks \S+ at event 3: .*, and \d+ more rules? at later events$/);
  });

  test("tells what is damaged, and what to do where the journal does not say", async () => {
    const report: IntegrityReport = {
      ok: false,
      events: 3,
      problems: [{ code: "JournalDamaged", message: "event 2 of run r1 is damaged" }],
    };
    journal = { ...journal, check: async () => report };
    const [first] = await examineProject({ layout, journal }, { fix: false });
    expect(first).toEqual({
      check: "journal",
      level: "error",
      message: "event 2 of run r1 is damaged",
      hint: "Restore a copy made by `heddle backup`, or move .heddle away.",
    });
  });

  test("keeps folders without a run until they are to be removed, and those of runs then too", async () => {
    await new RecordedRun(journal, "r1", DIAMOND).begin();
    for (const name of ["r1", "gone1", "gone2"]) mkdirSync(path.join(layout.runsDir, name), { recursive: true });
    expect(await examined()).toContain("files warning: 2 folders in .heddle/runs without a run");
    expect(existsSync(path.join(layout.runsDir, "gone1"))).toBe(true);
    expect(await examined(true)).toContain("files ok: removed 2 folders without a run");
    expect(["r1", "gone1", "gone2"].map((name) => existsSync(path.join(layout.runsDir, name)))).toEqual([
      true,
      false,
      false,
    ]);
  });

  describe("removes nothing that heddle did not make", () => {
    const make = (...names: readonly string[]): void => {
      for (const name of names) mkdirSync(path.join(layout.runsDir, name), { recursive: true });
    };

    test.each([
      ["a folder with other folders in it", ["thesis/chapters"], "thesis"],
      ["a folder of another name", ["My Photos"], "My Photos"],
      ["a folder with logs and something else", ["gone/logs", "gone/precious"], "gone"],
    ])("%s", async (_, folders, told) => {
      make(...folders);
      expect(await examined(true)).toContain(`files warning: not of heddle, in .heddle/runs: ${told}`);
      for (const folder of folders) expect(existsSync(path.join(layout.runsDir, folder))).toBe(true);
    });

    test("a file, and a link to a folder", async () => {
      make("");
      const elsewhere = path.join(layout.dir, "elsewhere/logs");
      mkdirSync(elsewhere, { recursive: true });
      writeFileSync(path.join(layout.runsDir, "notes"), "");
      symlinkSync(path.join(layout.dir, "elsewhere"), path.join(layout.runsDir, "gone"));
      expect(await examined(true)).toContain("files warning: not of heddle, in .heddle/runs: gone, notes");
      expect([existsSync(elsewhere), existsSync(path.join(layout.runsDir, "gone"))]).toEqual([true, true]);
    });

    test("where .heddle/runs is a link: others may have their runs there", async () => {
      const disk = path.join(layout.dir, "disk");
      mkdirSync(path.join(disk, "of0another/logs"), { recursive: true });
      mkdirSync(path.join(disk, "docs/thesis"), { recursive: true });
      mkdirSync(layout.heddleDir, { recursive: true });
      symlinkSync(disk, layout.runsDir);
      expect((await examined(true)).slice(-2)).toEqual([
        "files warning: not of heddle, in .heddle/runs: docs",
        "files warning: 1 folder without a run where .heddle/runs leads to",
      ]);
      expect([existsSync(path.join(disk, "of0another/logs")), existsSync(path.join(disk, "docs/thesis"))]).toEqual([
        true,
        true,
      ]);
    });
  });
});

describe("agents", () => {
  const claude = { agent: "claude", found: true, version: "2.1" };

  test("that are here are named; without one there is a hint", async () => {
    const none = { check: async () => undefined, worktrees: async () => ok([]) };
    const found = agentsWith({ ...none, probe: async () => [claude, { agent: "codex", found: false }] });
    expect(lines(await checkAgents(await found()))).toEqual([
      "agents ok: claude 2.1",
      "repository ok: agents can work here",
    ]);
    const lost = agentsWith({ ...none, probe: async () => [{ agent: "codex", found: false, problem: "not on PATH" }] });
    expect((await checkAgents(await lost()))[0]).toMatchObject({ level: "ok", hint: "not on PATH" });
  });

  test("say how each is spoken to, whether it may be logged in, what binds it, and what the sandbox can do", async () => {
    const none = { check: async () => undefined, worktrees: async () => ok([]) };
    const why = "a sandbox inside bubblewrap does not work here: no";
    const acp = {
      ...claude,
      protocol: "acp",
      program: "/bin/claude-agent-acp",
      login: { kind: "key", name: "ANTHROPIC_API_KEY" },
      rules: "asks",
      sandbox: { works: true },
    } as const;
    const codex = {
      agent: "codex",
      found: true,
      protocol: "native",
      program: "/bin/codex",
      login: { kind: "none" },
      rules: "confined",
      sandbox: { works: false, why },
    } as const;
    const found = await checkAgents(await agentsWith({ ...none, probe: async () => [acp, codex] })());
    expect(lines(found)).toEqual([
      "agents ok: claude 2.1 (acp), codex (native)",
      "sandbox ok: bubblewrap works: agents write to their worktree and their own files only",
      "agent ok: claude 2.1 (acp): /bin/claude-agent-acp; a key is in ANTHROPIC_API_KEY (pass it on by `passEnv`); bound by all rules",
      `agent ok: codex (native): /bin/codex; no key and no login found; bound by presets but \`ask\`, and by \`deny\` rules about edits; no sandbox: ${why}`,
      "repository ok: agents can work here",
    ]);
    expect(found.flatMap(({ agent }) => agent ?? [])).toEqual([acp, codex]);
    const overAcp = await checkAgents(
      await agentsWith({ ...none, probe: async () => [{ ...codex, protocol: "acp" }] })(),
    );
    expect(lines(overAcp).join()).toContain("bound by presets, and by `deny` rules about edits");
    const alone = await checkAgents(await agentsWith({ ...none, probe: async () => [codex] })());
    expect(lines(alone)).toContain(`sandbox ok: agents run without a sandbox: ${why}`);
  });

  test.each([
    ["NotARepository", "ok"],
    ["RepositoryBare", "warning"],
  ])("that cannot work for %s are a finding of level %s, and worktrees are not asked for", async (code, level) => {
    const agents = agentsWith({
      probe: async () => [claude],
      check: async () => ({ code, message: "no", hint: "do" }),
    });
    expect(await checkAgents(await agents())).toMatchObject([
      { check: "agents" },
      { check: "repository", level, message: "agents cannot work here: no", hint: "do" },
    ]);
  });

  test("left worktrees: the odd ones by name, ten at most, each with what to do", async () => {
    const trees = [
      tree("r1", "a", { bytes: 2 ** 20 }),
      tree("r1", "b", { state: "unsaved", inUse: true }),
      tree("r1", "c", { state: "unfinished" }),
      ...Array.from({ length: 10 }, (_, i) => tree("r2", `s${i}`, { state: "stray" })),
    ];
    const agents = agentsWith({
      probe: async () => [claude],
      check: async () => undefined,
      worktrees: async () => ok(trees),
    });
    const findings = (await checkAgents(await agents())).filter(({ check }) => check === "worktrees");
    expect(lines(findings).slice(0, 3)).toEqual([
      "worktrees ok: 13 worktrees of agents, 1.0 MB",
      "worktrees warning: unsaved: r1/b, 0.0 MB, /trees/r1/b, in use",
      "worktrees warning: unfinished: r1/c, 0.0 MB, /trees/r1/c",
    ]);
    expect(findings[1]?.hint).toContain("`heddle resume r1` captures it");
    expect(findings).toHaveLength(12);
    expect(findings.at(-1)?.message).toBe("2 more are stray, unfinished or unsaved");
  });
});

test("git is looked for on the path, not started", () => {
  const bin = path.join(layout.dir, "bin");
  mkdirSync(bin);
  writeFileSync(path.join(bin, "git"), "#!/bin/sh\ntouch started\n");
  const git = (): string => lines(checkMachine({ dir: layout.dir, env: { PATH: `:${bin}` } }))[2] ?? "";
  expect(git()).toBe("git warning: not found on PATH");
  chmodSync(path.join(bin, "git"), 0o755);
  expect(git()).toBe("git ok: found");
  expect(existsSync(path.join(bin, "started"))).toBe(false);
});

describe("the whole", () => {
  const agents = agentsWith({
    probe: async () => [],
    check: async () => ({ code: "NotARepository", message: "none" }),
  });
  const checks = async (open: Parameters<typeof doctor>[0]["open"]): Promise<readonly string[]> =>
    (await doctor({ dir: layout.dir, env: {}, fix: false, open, agents })).map(
      ({ check, level }) => `${check} ${level}`,
    );
  const machine = [
    expect.stringMatching("node"),
    expect.stringMatching("platform"),
    "git warning",
    "disk ok",
    "folder ok",
  ];

  test("opens no project where there is no journal", async () => {
    const open = async () => Promise.reject(new Error("opened"));
    expect(await checks(open)).toEqual([...machine, "journal ok", "agents ok", "repository ok"]);
  });

  test("is not ended by a journal that cannot be opened", async () => {
    mkdirSync(layout.heddleDir);
    writeFileSync(layout.journalFile, "");
    const open = async () => err({ code: "JournalDamaged", message: "not a journal" });
    expect(await checks(open)).toEqual([...machine, "journal error", "agents ok", "repository ok"]);
  });

  test("says that nothing can be recorded in a folder that cannot be written, and fixes nothing there", async () => {
    mkdirSync(layout.heddleDir);
    writeFileSync(layout.journalFile, "");
    for (const unwritable of [layout.heddleDir, layout.journalFile]) {
      const asked: string[] = [];
      const findings = await doctor({
        dir: layout.dir,
        env: {},
        fix: true,
        open: async (access) => {
          asked.push(access);
          const examine = async ({ fix }: { readonly fix: boolean }): Promise<readonly DoctorFinding[]> => {
            asked.push(`fix: ${fix}`);
            return [];
          };
          return ok({ maintenance: { examine }, [Symbol.asyncDispose]: async () => undefined });
        },
        agents,
        canWrite: (at) => at !== unwritable,
      });
      expect(lines(findings)).toContain(
        `folder error: ${unwritable} cannot be written: runs can be inspected here, none can be started or fixed`,
      );
      expect(asked).toEqual(["read", "fix: false"]);
    }
  });
});
