/** User name: who is using this terminal. */
import { userInfo } from "node:os";

/** The name under which answers are recorded; `unknown` where the system has none for this user. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env["USER"] ?? "unknown";
  }
}
