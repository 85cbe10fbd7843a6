/** Copy button: puts a text into the clipboard, and says that it did. */
import { useEffect, useState, type ReactNode } from "react";
import { Button } from "./button.tsx";

const SAID_MS = 2000;

export interface CopyButtonProps {
  /** Where it is asked for when it is wanted: the question. */
  readonly text: string | (() => Promise<string>);
  /** What is copied, after the word `Copy`. */
  readonly what: string;
}

export function CopyButton({ text, what }: CopyButtonProps): ReactNode {
  const [said, setSaid] = useState<"copied" | "refused">();
  useEffect(() => {
    if (said === undefined) return undefined;
    const timer = setTimeout(() => setSaid(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = (): void => {
    // Browsers have a clipboard for pages of this machine and over HTTPS alone.
    const { clipboard } = navigator as { readonly clipboard?: Clipboard };
    if (clipboard === undefined) return setSaid("refused");
    const write = async (): Promise<void> => clipboard.writeText(typeof text === "string" ? text : await text());
    write().then(
      () => setSaid("copied"),
      () => setSaid("refused"),
    );
  };
  return (
    <Button onClick={copy}>
      <span aria-live="polite">
        {said === undefined
          ? `Copy ${what}`
          : said === "copied"
            ? "Copied"
            : typeof text === "string"
              ? "The browser did not allow it"
              : "It cannot be copied"}
      </span>
    </Button>
  );
}
