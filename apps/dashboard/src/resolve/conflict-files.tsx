/** Files of a conflict, and what goes together without one. */
import type { ReactNode } from "react";
import type { ConflictDocument, ConflictFileLine } from "heddle/client";
import { CodeText } from "../ui/code-text.tsx";
import { countText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";

export interface ConflictFilesProps {
  readonly conflict: ConflictDocument;
  /** The one that is looked at. */
  readonly file: string | undefined;
  /** Places of it that are undecided; absent: not known yet. */
  readonly undecided: number | undefined;
  readonly onShow: (file: string) => void;
  readonly children: ReactNode;
}

const MOST_CLEAN = 100;

export function ConflictFiles({ conflict, file, undecided, onShow, children }: ConflictFilesProps): ReactNode {
  const { files, count, clean, cleanCount } = conflict;
  return (
    <nav className="panel resolve-files" aria-label="Files of the conflict" tabIndex={0}>
      <h2>Conflicted, {countText(count)}</h2>
      <ul>
        {files.map((line) => (
          <li key={line.file}>
            <button
              type="button"
              className="resolve-name"
              aria-current={line.file === file ? "true" : undefined}
              onClick={() => onShow(line.file)}
            >
              <FileGlyph line={line} isDecided={line.file === file && undecided === 0} />
              <span>
                <CodeText text={line.file} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      <h2>Merged clean, {countText(cleanCount)}</h2>
      <ul>
        {clean.slice(0, MOST_CLEAN).map((one) => (
          <li key={one.file} className="resolve-name">
            <Glyph name="succeeded" />
            <span>
              <CodeText text={one.file} />
            </span>
          </li>
        ))}
      </ul>
      {cleanCount > MOST_CLEAN ? <p className="dim">and {countText(cleanCount - MOST_CLEAN)} more</p> : null}
      {children}
    </nav>
  );
}

function FileGlyph({ line, isDecided }: { readonly line: ConflictFileLine; readonly isDecided: boolean }): ReactNode {
  return line.state === "open" && !isDecided ? (
    <Glyph name="needs-resolution" label="undecided" />
  ) : (
    <Glyph name="succeeded" label={line.state === "settled" ? "settled in the worktree" : "decided"} />
  );
}
