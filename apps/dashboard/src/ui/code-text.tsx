/**
 * Code text: a text that somebody else wrote, as it is. Characters that nobody sees, or that change the order of others, are shown by their
 * numbers: what is read is what runs (CVE-2021-42574).
 */
import type { ReactNode } from "react";
import "./code-text.css";

const ODD = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const ODDS = /([\p{Cc}\p{Cf}\p{Zl}\p{Zp}])/u;

/** Of one line: what is longer is no line that a person reads. */
const MOST_SHOWN = 2000;

export interface CodeTextProps {
  readonly text: string;
  /** Characters from and to, to be seen. */
  readonly mark?: readonly [from: number, to: number] | undefined;
}

export function CodeText({ text, mark }: CodeTextProps): ReactNode {
  const shown = text.length > MOST_SHOWN ? text.slice(0, MOST_SHOWN) : text;
  const rest = text.length - shown.length;
  const [from, to] = mark ?? [0, 0];
  return (
    <>
      {to > from ? (
        <>
          {visible(shown.slice(0, from))}
          <mark className="code-mark">{visible(shown.slice(from, to))}</mark>
          {visible(shown.slice(to))}
        </>
      ) : (
        visible(shown)
      )}
      {rest > 0 ? <span className="dim"> … {rest.toLocaleString("en-US")} more characters</span> : null}
    </>
  );
}

function visible(text: string): ReactNode {
  const plain = text.endsWith("\r") ? text.slice(0, -1) : text;
  if (!ODD.test(plain.replaceAll("\t", ""))) return plain;
  return plain.split(ODDS).map((part, at) =>
    at % 2 === 0 || part === "\t" ? (
      part
    ) : (
      <span key={at} className="code-odd">
        U+{(part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}
      </span>
    ),
  );
}
