/** Both ways of starting commands keep the same promises. */
import { describe, expect, it } from "vitest";
import { commandSuite } from "../support/suites/runner.ts";
import { shellSetting } from "./rig.ts";

commandSuite({ describe, it, expect }, "helpers", async () => shellSetting("helper"));
commandSuite({ describe, it, expect }, "plain spawns", async () => shellSetting("plain"));
// A helper that is none: every command goes the plain way, nothing is lost.
commandSuite({ describe, it, expect }, "helpers that fail", async () => shellSetting("helper", { shell: "false" }));
