/** Look text: what of a run is to be looked at, in a few words. Pure. */
import type { RunOverview } from "heddle/view";

/** Empty: nothing. */
export function lookText({ head, look }: RunOverview): string {
  const { byStatus, status } = head;
  const approvals = look.asking.filter((one) => one.status === "needs-approval").map(({ step }) => step);
  const conflicts = look.asking.filter((one) => one.status === "needs-resolution").map(({ step }) => step);
  return [
    status === "interrupted" ? "its process died; resume goes on" : "",
    named(byStatus.failed, "failed", look.failed),
    named(byStatus["needs-resolution"], byStatus["needs-resolution"] === 1 ? "conflict" : "conflicts", conflicts),
    named(byStatus["needs-approval"], byStatus["needs-approval"] === 1 ? "question" : "questions", approvals),
    byStatus.retrying === 0 ? "" : `${byStatus.retrying} to be tried again`,
  ]
    .filter((part) => part !== "")
    .join(" · ");
}

function named(count: number, what: string, names: readonly string[]): string {
  if (count === 0) return "";
  const more = count - names.length;
  const all = names.length === 0 ? "" : `: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return `${count} ${what}${all}`;
}
