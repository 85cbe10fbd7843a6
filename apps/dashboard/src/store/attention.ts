/** Attention of the page: what waits for people in all projects, for every component that says so. */
import type { AttentionItem, AttentionList } from "heddle/client";
import { SharedChannels, useSharedChannels, type Told } from "./shared-channel.ts";

const channel = new SharedChannels<AttentionList>((live, _key, { onValue, onProblem }) =>
  live.attention({ onAttention: onValue, onProblem }),
);

const ONLY = ["attention"] as const;

export function useAttention(): Told<AttentionList> {
  return useSharedChannels(channel, ONLY)[0] ?? { kind: "loading" };
}

/** One question of one step, as long as it is open: another one of the same step is another item. */
export function attentionKey({ project, run, step = "", kind, waitingSince }: AttentionItem): string {
  return JSON.stringify([project, run, step, kind, waitingSince]);
}
