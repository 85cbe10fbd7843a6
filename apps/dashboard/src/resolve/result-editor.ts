/**
 * Editor of a result: CodeMirror in a shadow root, whose style sheets the policy of the page allows there and nowhere else. Knows a text and
 * the places in it that are to be decided, no conflict and no server.
 *
 * Invariants:
 *  1. Places move with the text. Who writes in one has decided it; who takes that back, has not.
 *  2. Lines end with `\n` alone: nothing else is taken for an end, so that no character is lost.
 */
import {
  cursorDocEnd,
  cursorDocStart,
  cursorPageDown,
  cursorPageUp,
  history,
  historyKeymap,
  insertNewlineKeepIndent,
  invertedEffects,
  selectAll,
  selectDocEnd,
  selectDocStart,
} from "@codemirror/commands";
import {
  Annotation,
  EditorState,
  StateEffect,
  StateField,
  type ChangeDesc,
  type Range,
  type Text,
} from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  WidgetType,
  type DecorationSet,
  type KeyBinding,
} from "@codemirror/view";
import { chosenText, type Hunk, type HunkState } from "./result-text.ts";

export interface ResultEditorOptions {
  /** Where it is shown: gets a shadow root. */
  readonly host: HTMLElement;
  readonly label: string;
  readonly text: string;
  readonly hunks: readonly Hunk[];
  readonly isReadOnly: boolean;
  readonly onChange: (text: string, hunks: readonly Hunk[]) => void;
  /** The person leaves the text. */
  readonly onLeave: () => void;
}

export interface ResultEditor {
  /** Puts the lines of a side into a place. */
  choose(index: number, state: "ours" | "theirs" | "both"): void;
  /** Shows a place. */
  show(index: number): void;
  destroy(): void;
}

export function resultEditor(options: ResultEditorOptions): ResultEditor {
  const { host, label, text, hunks, isReadOnly, onChange, onLeave } = options;
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        EditorState.lineSeparator.of("\n"),
        EditorState.tabSize.of(4),
        EditorState.readOnly.of(isReadOnly),
        lineNumbers(),
        drawSelection(),
        // Such that turn the order of others, too.
        highlightSpecialChars({ addSpecialChars: /[\u202a-\u202e\u2060-\u2069]/, render: drawnNumber }),
        EditorView.lineWrapping,
        history(),
        places.init(() => ({ hunks, shown: 0 })),
        invertedEffects.of((transaction) => {
          const before = transaction.startState.field(places).hunks;
          return before === transaction.state.field(places).hunks ? [] : [setHunks.of(before)];
        }),
        drawn,
        keymap.of([{ key: "Escape", run: () => (onLeave(), true) }, ...historyKeymap, ...KEYS_OF_TEXT]),
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          const now = update.state.field(places).hunks;
          if (update.docChanged || now !== update.startState.field(places).hunks)
            onChange(update.state.sliceDoc(), now);
        }),
        theme,
      ],
    }),
  });
  return {
    choose(index, state) {
      const all = view.state.field(places).hunks;
      const hunk = all[index];
      if (hunk === undefined || isReadOnly) return;
      const insert = chosenText(hunk, state);
      const by = insert.length - (hunk.to - hunk.from);
      const next = all.map((one, at): Hunk => {
        if (at === index) return { ...one, to: hunk.from + insert.length, state };
        return at > index ? { ...one, from: one.from + by, to: one.to + by } : one;
      });
      view.dispatch({
        changes: { from: hunk.from, to: hunk.to, insert },
        annotations: isChoice.of(true),
        effects: [setHunks.of(next), showHunk.of(index)],
        userEvent: "input.choose",
      });
    },
    show(index) {
      view.dispatch({ effects: showHunk.of(index) });
      const at = view.state.field(places).hunks[index]?.from;
      if (at === undefined) return;
      // By itself: the editor's own way would move the page around it, too.
      view.requestMeasure({
        read: () => view.lineBlockAt(at).top - view.scrollDOM.clientHeight / 3,
        write: (top) => void (view.scrollDOM.scrollTop = top),
      });
    },
    destroy: () => view.destroy(),
  };
}

/** What browsers do not do by themselves in such a text. The whole of the usual keys would come with a parser of languages. */
const KEYS_OF_TEXT: readonly KeyBinding[] = [
  { key: "Enter", run: insertNewlineKeepIndent, shift: insertNewlineKeepIndent },
  { key: "PageUp", run: cursorPageUp },
  { key: "PageDown", run: cursorPageDown },
  { key: "Mod-Home", mac: "Cmd-ArrowUp", run: cursorDocStart, shift: selectDocStart },
  { key: "Mod-End", mac: "Cmd-ArrowDown", run: cursorDocEnd, shift: selectDocEnd },
  { key: "Mod-a", run: selectAll },
];

interface Places {
  readonly hunks: readonly Hunk[];
  /** Which one is looked at. */
  readonly shown: number;
}

const isChoice = Annotation.define<boolean>();
const showHunk = StateEffect.define<number>();
const setHunks = StateEffect.define<readonly Hunk[]>({
  map: (hunks, changes) => hunks.map((hunk) => moved(hunk, changes)),
});

/** What is written at the end of a place is in it where nothing else is: in an empty one, and behind a last line without an end. */
function moved(hunk: Hunk, changes: ChangeDesc, isOpenEnd = hunk.from === hunk.to): Hunk {
  const from = changes.mapPos(hunk.from, -1);
  return { ...hunk, from, to: Math.max(from, changes.mapPos(hunk.to, isOpenEnd ? 1 : -1)) };
}

function isOpenAtEnd({ from, to }: Hunk, text: Text): boolean {
  return from === to || (to === text.length && text.sliceString(to - 1, to) !== "\n");
}

const places = StateField.define<Places>({
  create: () => ({ hunks: [], shown: 0 }),
  update({ hunks, shown }, transaction) {
    let next = hunks;
    if (transaction.docChanged) {
      const isWritten = transaction.annotation(isChoice) !== true;
      next = hunks.map((hunk) => {
        const isOpenEnd = isOpenAtEnd(hunk, transaction.startState.doc);
        const now = moved(hunk, transaction.changes, isOpenEnd);
        return isWritten && isTouched(hunk, transaction.changes, isOpenEnd) ? { ...now, state: "edited" } : now;
      });
    }
    let at = shown;
    for (const effect of transaction.effects) {
      if (effect.is(setHunks)) next = effect.value;
      if (effect.is(showHunk)) at = effect.value;
    }
    return next === hunks && at === shown ? { hunks, shown } : { hunks: next, shown: at };
  },
});

function isTouched({ from, to }: Hunk, changes: ChangeDesc, isOpenEnd: boolean): boolean {
  let found = false;
  changes.iterChangedRanges((start, end) => {
    const isWrittenIn = start >= from && (start < to || (isOpenEnd && start === to));
    const isTakenOut = start < to && end > from;
    const isAround = from === to && start < from && end > from;
    found ||= start === end ? isWrittenIn : isTakenOut || isAround;
  });
  return found;
}

const WORDS: Readonly<Record<HunkState, string>> = {
  open: "undecided, as both began",
  ours: "ours",
  theirs: "theirs",
  both: "both, ours first",
  edited: "edited",
};

/** As elsewhere on the pages: by its number. */
function drawnNumber(code: number): HTMLElement {
  const element = document.createElement("span");
  element.className = "odd-character";
  element.textContent = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return element;
}

class Heading extends WidgetType {
  readonly #text: string;
  readonly #state: HunkState;
  readonly #isShown: boolean;

  constructor(text: string, state: HunkState, isShown: boolean) {
    super();
    this.#text = text;
    this.#state = state;
    this.#isShown = isShown;
  }

  override eq(other: Heading): boolean {
    return other.#text === this.#text && other.#state === this.#state && other.#isShown === this.#isShown;
  }

  override toDOM(): HTMLElement {
    const element = document.createElement("div");
    element.className = `hunk-heading is-${this.#state}${this.#isShown ? " is-shown" : ""}`;
    element.textContent = this.#text;
    return element;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

const LINES = Object.fromEntries(
  Object.keys(WORDS).flatMap((state) =>
    [false, true].map((isShown) => [
      `${state}${isShown}`,
      Decoration.line({ class: `hunk-line is-${state}${isShown ? " is-shown" : ""}` }),
    ]),
  ),
);

const drawn = EditorView.decorations.compute([places, "doc"], (state): DecorationSet => {
  const { hunks, shown } = state.field(places);
  const all: Range<Decoration>[] = [];
  for (const [index, { from, to, state: decided }] of hunks.entries()) {
    const heading = new Heading(`conflict ${index + 1} · ${WORDS[decided]}`, decided, index === shown);
    all.push(Decoration.widget({ widget: heading, block: true, side: -1 }).range(Math.min(from, state.doc.length)));
    for (let at = from; at < to;) {
      const line = state.doc.lineAt(at);
      const decoration = LINES[`${decided}${index === shown}`];
      if (decoration !== undefined) all.push(decoration.range(line.from));
      at = line.to + 1;
    }
  }
  return Decoration.set(all, true);
});

/** Colours are the page's: custom properties reach into the shadow. */
const theme = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--panel)", color: "var(--fg)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--mono)",
    fontVariantLigatures: "none",
    fontSize: "12px",
    lineHeight: "18px",
    overflow: "auto",
  },
  ".cm-content": { padding: "4px 0", caretColor: "var(--fg)" },
  ".cm-cursor": { borderLeftColor: "var(--fg)" },
  ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--dim)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "5ch", padding: "0 1ch 0 0" },
  ".cm-line": { padding: "0 12px 0 4px" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--focus) 30%, transparent)",
  },
  ".odd-character": {
    margin: "0 1px",
    padding: "0 3px",
    border: "1px solid var(--edge)",
    borderRadius: "3px",
    fontSize: "10px",
  },
  ".hunk-heading": {
    padding: "1px 12px 1px 4px",
    borderTop: "1px solid var(--line-strong)",
    color: "var(--dim)",
    fontFamily: "var(--sans)",
    fontSize: "11px",
    lineHeight: "16px",
  },
  ".hunk-heading.is-open": { backgroundColor: "var(--soft-attention)", color: "var(--fg)" },
  ".hunk-heading.is-shown, .hunk-line.is-shown": { boxShadow: "inset 3px 0 0 var(--focus)" },
  ".hunk-line.is-open": { backgroundColor: "var(--soft-attention)" },
  ".hunk-line.is-ours": { backgroundColor: "var(--soft-good)" },
  ".hunk-line.is-theirs": { backgroundColor: "var(--soft-human)" },
  ".hunk-line.is-both, .hunk-line.is-edited": { backgroundColor: "var(--soft-active)" },
});
