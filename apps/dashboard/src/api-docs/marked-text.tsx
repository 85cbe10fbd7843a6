/** Marked text: a sentence of the API's description, in which code stands between backticks. */
import type { ReactNode } from "react";

export function MarkedText({ text }: { readonly text: string }): ReactNode {
  return text.split("`").map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part));
}
