/** What stands in the place of a part that could not be loaded or met a fault; the rest of the page stays. */
import type { ReactNode } from "react";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { Button } from "../ui/button.tsx";
import { ProblemPanel } from "../ui/problem.tsx";

export function Broken(props: ErrorComponentProps): ReactNode {
  return (
    <main id="main" className="page">
      <BrokenPart {...props} />
    </main>
  );
}

/** As {@link Broken}, inside a page whose other parts are as they were. */
export function BrokenPart({ error }: ErrorComponentProps): ReactNode {
  // A server of another version has no files of this one.
  const isMissing = /dynamically imported module|Importing a module|error loading/i.test(String(error));
  return (
    <ProblemPanel title={isMissing ? "This part could not be loaded" : "This page met a fault"} thrown={error}>
      <p className="dim">
        {isMissing
          ? "The server may be of another version by now, or cannot be reached."
          : "Nothing of the run is changed by that. The command line shows the same."}
      </p>
      <p>
        <Button onClick={() => location.reload()}>Load the page again</Button>
      </p>
    </ProblemPanel>
  );
}
