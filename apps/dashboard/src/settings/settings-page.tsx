/** Settings: what is taste. Kept in this browser. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { setPreference, usePreferences } from "../app/preferences.ts";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { NotificationSetting } from "../inbox/notification-setting.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { timeText } from "../ui/format.ts";
import "./settings-page.css";

export function SettingsPage(): ReactNode {
  usePageTitle("Settings");
  const { theme, isDense, hasLetterKeys } = usePreferences();
  const { session } = useHeddle();
  return (
    <>
      <main id="main" className="page">
        <h1>Settings</h1>
        <div className="settings panel">
          <fieldset>
            <legend>Theme</legend>
            {(["system", "light", "dark"] as const).map((one) => (
              <label key={one}>
                <input type="radio" name="theme" checked={theme === one} onChange={() => setPreference("theme", one)} />
                {THEME_TEXT[one]}
              </label>
            ))}
          </fieldset>
          <label>
            <input type="checkbox" checked={isDense} onChange={() => setPreference("isDense", !isDense)} />
            Dense rows in tables
          </label>
          <label>
            <input
              type="checkbox"
              checked={hasLetterKeys}
              onChange={() => setPreference("hasLetterKeys", !hasLetterKeys)}
            />
            Single letters are keys: <kbd>?</kbd> lists them
          </label>
          <NotificationSetting />
        </div>
        <p className="settings-session">
          <Link className="link" to="/docs/api">
            HTTP API of this server
          </Link>
        </p>
        <p className="dim settings-session">
          This session may {session.authority === "act" ? "look and act" : "only look"}, until{" "}
          {timeText(session.expiresAt)} or the server's end.
        </p>
      </main>
      <StatusLine />
    </>
  );
}

const THEME_TEXT = { system: "As the system", light: "Light", dark: "Dark" } as const;
