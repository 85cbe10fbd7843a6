/** The width of the panel: as wanted, within what the window has. */
import { expect, test } from "vitest";
import { panelWidth } from "../../src/step-panel/panel-width.ts";

test.each([
  [420, 1440, 420],
  [100, 1440, 320],
  [5000, 1440, 864],
  [420, 400, 320],
])("a width of %i in a window of %i is %i", (wanted, window, width) => expect(panelWidth(wanted, window)).toBe(width));
