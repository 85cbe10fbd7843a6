/** Help: the keys that do something on the page that is shown. */
import { useState, type ReactNode } from "react";
import { Dialog } from "../ui/dialog.tsx";
import { keysNow, useKeys, type KeyBinding } from "./keys.ts";
import "./help.css";

export function Help(): ReactNode {
  const [keys, setKeys] = useState<readonly KeyBinding[] | undefined>();
  useKeys([{ key: "?", what: "This list", run: () => setKeys(keysNow()) }]);
  return (
    <Dialog title="Keys" isOpen={keys !== undefined} onClose={() => setKeys(undefined)}>
      <dl className="help-keys">
        {keys?.map(({ key, what }) => (
          <div key={key}>
            <dt>
              <kbd>{KEY_TEXT[key] ?? key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

const KEY_TEXT: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  " ": "Space",
};
