/** Palette: every step, run, page and action by a few letters of its name. */
import { useDeferredValue, useEffect, useId, useMemo, useState, type KeyboardEvent, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { runGlyph, type GlyphName, type LiveRun } from "heddle/view";
import { useHeddle } from "../store/heddle.tsx";
import { useLiveRun } from "../store/live-run.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Glyph } from "../ui/glyph.tsx";
import { keysNow, type KeyBinding } from "./keys.ts";
import { matchesOf } from "./palette-match.ts";
import { usePlace } from "./use-place.ts";
import "./palette.css";

export interface PaletteEntry {
  /** Unique among the entries. */
  readonly key: string;
  readonly text: string;
  /** What kind of thing it is: `step`, `run`, `page`, `key g`. */
  readonly about: string;
  readonly glyph?: GlyphName;
  readonly choose: () => void;
}

const MOST_SHOWN = 40;

const PROJECT_PAGES = [
  { text: "Runs", to: "/p/$project" },
  { text: "Plans", to: "/p/$project/plans" },
  { text: "Costs", to: "/p/$project/costs" },
  { text: "Worktrees", to: "/p/$project/worktrees" },
] as const;

export function Palette(): ReactNode {
  const [keys, setKeys] = useState<readonly KeyBinding[] | undefined>();
  const close = (): void => setKeys(undefined);
  useEffect(() => {
    const open = (event: globalThis.KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey)
        return;
      event.preventDefault();
      setKeys((before) => (before === undefined ? keysNow() : undefined));
    };
    addEventListener("keydown", open);
    return () => removeEventListener("keydown", open);
  }, []);
  return (
    <>
      <button type="button" className="palette-button" onClick={() => setKeys(keysNow())}>
        <span className="palette-button-text">Search or run a command</span>
        <span className="palette-button-short">Search</span> <kbd>Ctrl K</kbd>
      </button>
      <Dialog title="Search or run a command" isOpen={keys !== undefined} onClose={close}>
        {keys === undefined ? null : <Search keys={keys} onDone={close} />}
      </Dialog>
    </>
  );
}

function Search({ keys, onDone }: { readonly keys: readonly KeyBinding[]; readonly onDone: () => void }): ReactNode {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useId();
  const entries = useEntries(keys);
  const wanted = useDeferredValue(text);
  const found = useMemo(() => matchesOf(entries, wanted, MOST_SHOWN), [entries, wanted]);
  const at = Math.min(chosen, found.length - 1);
  const choose = (entry: PaletteEntry | undefined): void => {
    if (entry === undefined) return;
    onDone();
    entry.choose();
  };
  const move = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setChosen(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(at - 1, 0));
    // The list may still be that of the text before: who types quickly means what is written.
    else if (event.key === "Enter") choose(wanted === text ? found[at] : matchesOf(entries, text, 1)[0]);
    else return;
    event.preventDefault();
  };
  return (
    <div className="palette">
      <input
        type="text"
        role="combobox"
        aria-label="Step, run, page or action"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={at < 0 ? undefined : `${list}-${at}`}
        autoComplete="off"
        spellCheck={false}
        placeholder="Step, run, page or action"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={move}
      />
      <ul id={list} role="listbox" aria-label="Matches" className="palette-list">
        {found.map((entry, index) => (
          <li
            key={entry.key}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            ref={index === at ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
            onClick={() => choose(entry)}
          >
            {entry.glyph === undefined ? <span className="palette-blank" /> : <Glyph name={entry.glyph} />}
            <span className="ellipsis">{entry.text}</span>
            <span className="palette-about">{entry.about}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p className="dim">Nothing has this in its name.</p> : null}
    </div>
  );
}

function useEntries(keys: readonly KeyBinding[]): readonly PaletteEntry[] {
  const { project, run } = usePlace();
  const shown = useShownLiveRun(project, run);
  const { client } = useHeddle();
  const navigate = useNavigate();
  const recent = useQuery({
    queryKey: ["palette", project ?? ""],
    queryFn: async ({ signal }) => {
      const { items } = await client.projects.list({ signal });
      const names = items.flatMap((one) => (one.problem === undefined ? [one.project] : []));
      const lists = await Promise.all(
        names.map(async (name) =>
          (await client.project(name).runs.list({ limit: 50, signal })).runs.map((one) => ({ ...one, project: name })),
        ),
      );
      return { names, runs: lists.flat().toSorted((one, other) => other.startedAt - one.startedAt) };
    },
  });
  return useMemo(() => {
    const steps = (shown?.steps ?? []).map((step): PaletteEntry => ({
      key: `step ${step.id}`,
      text: step.id,
      about: "step",
      glyph: step.status,
      choose: () =>
        void navigate({
          to: "/p/$project/runs/$run",
          params: { project: project ?? "", run: run ?? "" },
          search: (before) => ({ ...before, step: step.id, attempt: undefined, line: undefined }),
        }),
    }));
    const runs = (recent.data?.runs ?? []).map((one): PaletteEntry => ({
      key: `run ${one.project} ${one.run}`,
      text: `${one.plan} ${one.run}`,
      about: `run of ${one.project}`,
      glyph: runGlyph(one.status),
      choose: () => void navigate({ to: "/p/$project/runs/$run", params: { project: one.project, run: one.run } }),
    }));
    const pages: readonly PaletteEntry[] = [
      { key: "page runs", text: "Runs", about: "page", choose: () => void navigate({ to: "/" }) },
      ...(recent.data?.names ?? []).flatMap((name) =>
        PROJECT_PAGES.map(({ text, to }): PaletteEntry => ({
          key: `page ${to} ${name}`,
          text: `${text} of ${name}`,
          about: "page",
          choose: () => void navigate({ to, params: { project: name } }),
        })),
      ),
      { key: "page inbox", text: "Inbox", about: "page", choose: () => void navigate({ to: "/inbox" }) },
      { key: "page settings", text: "Settings", about: "page", choose: () => void navigate({ to: "/settings" }) },
      { key: "page api", text: "HTTP API", about: "page", choose: () => void navigate({ to: "/docs/api" }) },
    ];
    const actions = keys.map((binding): PaletteEntry => ({
      key: `key ${binding.key}`,
      text: binding.what,
      about: `key ${binding.key}`,
      // After the dialog has given the focus back.
      choose: () => void setTimeout(() => binding.run(new KeyboardEvent("keydown", { key: binding.key }))),
    }));
    return [...actions, ...steps, ...runs, ...pages];
  }, [shown?.steps, recent.data, keys, navigate, project, run]);
}

/** `undefined`: no run is shown. */
function useShownLiveRun(project: string | undefined, run: string | undefined): LiveRun | undefined {
  const followed = useLiveRun(project ?? "", run ?? "");
  return followed.kind === "shown" ? followed.run : undefined;
}
