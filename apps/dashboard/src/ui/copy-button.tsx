/** Copy button: puts a text into the clipboard, and says that it did. */
import { useEffect, useState, type ReactNode } from "react";
import { Button } from "./button.tsx";

const SAID_MS = 2000;

export interface CopyButtonProps {
  readonly text: string;
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
    clipboard.writeText(text).then(
      () => setSaid("copied"),
      () => setSaid("refused"),
    );
  };
  return (
    <Button onClick={copy}>
      <span aria-live="polite">
        {said === undefined ? `Copy ${what}` : said === "copied" ? "Copied" : "The browser did not allow it"}
      </span>
    </Button>
  );
}
