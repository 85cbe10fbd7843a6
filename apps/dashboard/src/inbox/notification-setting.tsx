/** Setting for notifications: on by choice alone, and only where the browser lets them. */
import { useState, type ReactNode } from "react";
import { setPreference, usePreferences } from "../app/preferences.ts";

export function NotificationSetting(): ReactNode {
  const { notifies } = usePreferences();
  const [refused, setRefused] = useState<string>();
  const toggle = async (): Promise<void> => {
    setRefused(undefined);
    if (notifies) return setPreference("notifies", false);
    if (!("Notification" in globalThis))
      return setRefused("This browser has no notifications for pages of this address.");
    if ((await Notification.requestPermission()) !== "granted")
      return setRefused(
        "The browser does not let this page notify you: allow it in the browser's settings of this page.",
      );
    setPreference("notifies", true);
  };
  return (
    <div>
      <label>
        <input type="checkbox" checked={notifies} onChange={() => void toggle()} />
        Notify me outside of the page when somebody is needed
      </label>
      {refused === undefined ? null : <p role="status">{refused}</p>}
    </div>
  );
}
