/** Width of the step panel: between what can be read and what leaves something of the run. Pure. */

export const LEAST_WIDTH = 320;
/** Of the window. */
const MOST_SHARE = 0.6;

export function mostWidth(windowWidth: number): number {
  return Math.max(LEAST_WIDTH, Math.floor(windowWidth * MOST_SHARE));
}

export function panelWidth(wanted: number, windowWidth: number): number {
  return Math.round(Math.min(mostWidth(windowWidth), Math.max(LEAST_WIDTH, wanted)));
}
