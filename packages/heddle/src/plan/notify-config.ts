/**
 * Notice settings of a plan: the types of `notify:`, in the keys of plan files, because journals of every version record them so.
 * Knows no address but as text.
 */

/** What a notice tells: how the run ended, or that a person is asked. */
export const NOTICE_KINDS = ["succeeded", "failed", "cancelled", "needs-you"] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** One receiver of notices. It has `url` or `urlFrom`. */
export interface NotifyTarget {
  /** Its address, `https://`; default: that of `urlFrom`. */
  readonly url?: string;
  /** Name of the variable of heddle's environment that holds the address, where that is a secret itself; default: that of `url`. */
  readonly urlFrom?: string;
  /** Name of the variable of heddle's environment that holds the key of the signature; default: notices are not signed. */
  readonly secret?: string;
  /** What it is told; default: all. */
  readonly on?: readonly NoticeKind[];
  /** A document, or a text as Slack and its kin take it; default: `json`. */
  readonly format?: "json" | "slack";
  /** Addresses of this machine and of private networks are allowed, and `http://`; default: false. */
  readonly allowPrivate?: boolean;
}

/** Receivers of one plan. */
export const MOST_TARGETS = 10;
