/** Time for tests: that of the shipped test kit. */
export { settle, VirtualClock } from "../../src/testing/virtual-clock.ts";
