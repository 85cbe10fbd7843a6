/** Courier port: brings the notices of a journal to their receivers, as long as it is there. */

export interface NoticeCourier {
  /** There is something new to send, or there may be. */
  wake(): void;
  /** Looks for what other processes have left as well, now and from time to time. */
  keepLooking(): void;
  /** Sends what is due, for so long at most, and stops. What is left stays in the journal. */
  drain(graceMs: number): Promise<void>;
}
