/** Temporary folders that go when the test does. */
import { rmSync } from "node:fs";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./temporary.ts";

/** Of the running test: to be called in it or in its hooks. */
export function testFolder(name: string): string {
  const folder = temporaryFolder(name);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
