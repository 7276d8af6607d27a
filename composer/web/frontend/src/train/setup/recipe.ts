/** The recipe of the graph that is open: read by the server, changed by form and text, and kept whatever happens. */
import { Refusal } from "../../bridge";
import { isWithin } from "../../logic/problems";
import type { RecipeFormReply, RecipeReply, SaveRecipeReply, StoredRecipeReply } from "../../payloads";
import { type FileState, useComposer } from "../../store";
import { askSetup } from "../ask";
import { type Of, useSetup } from "./store";

const DRAFT = "composer.recipe.";
const SAVE_AFTER = 500;
const READ_AFTER = 300;

type Edit = { path: string[]; set?: unknown; remove?: boolean };

interface Draft {
  text: string;
  base: string;
  version: string | null;
}

/** Which recipe belongs to a file: each graph of a place has its own, one that was never saved that of its tab. */
export const ownerOf = (file: Pick<FileState, "place" | "name">, opened: number): string =>
  file.place === "none" ? `none/${opened}` : `${file.place}/${file.name}`;

const current = (): string => {
  const { file, opened } = useComposer.getState();
  return ownerOf(file, opened);
};

/** The name of the graph's file in the workspace, as it is or as it will be. */
export function graphFile(): string {
  const { file, view } = useComposer.getState();
  if (file.place === "workspace") return file.name;
  const title = (view?.name || "model").replace(/[<>:"|?*\\/]/g, "_").slice(0, 80);
  return `${title || "model"}.yaml`;
}

// --- drafts: what was typed is here before the server has it ---

const storage = (owner: string): Storage => (owner.startsWith("none/") ? sessionStorage : localStorage);
/** A tab has one graph that was never saved; a reload counts the opened ones anew. */
const keyOf = (owner: string): string => DRAFT + (owner.startsWith("none/") ? "none" : owner);

function readDraft(owner: string): Draft | null {
  try {
    const found: unknown = JSON.parse(storage(owner).getItem(keyOf(owner)) ?? "null");
    const draft = found as Partial<Draft> | null;
    return typeof draft?.text === "string" && typeof draft.base === "string"
      ? { text: draft.text, base: draft.base, version: draft.version ?? null }
      : null;
  } catch {
    return null;
  }
}

function writeDraft(owner: string, draft: Draft | null): void {
  try {
    if (draft) storage(owner).setItem(keyOf(owner), JSON.stringify(draft));
    else storage(owner).removeItem(keyOf(owner));
  } catch {
    // no storage: the file beside the graph has it
  }
}

// --- reading ---

let queue: Promise<unknown> = Promise.resolve();
let timer = 0;
let saving = 0;

/** One after the other, each of what the one before left. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = queue.then(work, work);
  queue = mine.catch(() => undefined);
  return mine;
}

async function ask(text: string, edits: Edit[]): Promise<{ reply: RecipeReply; of: Of }> {
  const { document } = useComposer.getState();
  const payload = { document, text, graph: graphFile(), base: useSetup.getState().base, edits };
  const reply = await askSetup<RecipeReply>("recipe", payload);
  return { reply, of: { text: reply.text, document } };
}

/** Change keys of the recipe; gives why it was refused. */
export const editRecipe = (...edits: Edit[]): Promise<string | null> =>
  inTurn(async () => {
    const { text, owner } = useSetup.getState();
    try {
      const { reply, of } = await ask(text, edits);
      if (useSetup.getState().owner !== owner) return null;
      const wrong = reply.problems.find(
        (problem) =>
          problem.severity === "error" && edits.some(({ path, remove }) => !remove && isWithin(problem, path)),
      );
      if (wrong) return wrong.message;
      useSetup.setState({ reply, of, text: reply.text, refused: "" });
      keep();
      return null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return error.message;
    }
  });

/** The same for a control that has no place of its own for a reason: why it was refused stands above the form. */
export async function editOrTell(...edits: Edit[]): Promise<boolean> {
  const refused = await editRecipe(...edits);
  if (refused !== null) useSetup.setState({ refused });
  return refused === null;
}

/** Take what was typed as the recipe; it is kept whether it can be read or not. */
export function typeRecipe(text: string): void {
  useSetup.setState({ text });
  keep();
  readSoon();
}

export function readSoon(): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => void readNow(), READ_AFTER);
}

/** Read the text again: it, the graph, or what is known of the data is another one now. */
export const readNow = (): Promise<void> =>
  inTurn(async () => {
    const { text, owner, form, set } = useSetup.getState();
    if (!useComposer.getState().document) return;
    try {
      const [found, fields] = await Promise.all([ask(text, []), form ?? askSetup<RecipeFormReply>("form", {})]);
      set({ form: fields });
      const now = useSetup.getState();
      if (now.owner === owner && now.text === text) set({ reply: found.reply, of: found.of, refused: "" });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      set({ refused: error.message });
    }
  });

// --- keeping ---

function keep(): void {
  const { owner, text, base, version } = useSetup.getState();
  writeDraft(owner, { text, base, version });
  window.clearTimeout(saving);
  saving = window.setTimeout(() => void saveRecipe(), SAVE_AFTER);
}

/** Write the recipe beside its graph, if that is in the workspace; what nobody could write stays a draft. */
export async function saveRecipe(overwrite = false): Promise<void> {
  const { owner, text, base, version, set } = useSetup.getState();
  const { file } = useComposer.getState();
  if (file.place !== "workspace" || owner !== current() || !text.trim()) return;
  try {
    const saved = await askSetup<SaveRecipeReply>("save", { graph: file.name, text, base, version, overwrite });
    const now = useSetup.getState();
    if (now.owner !== owner) return;
    if (saved.conflict) return set({ conflict: saved.conflict });
    set({ version: saved.version, base: saved.base, conflict: "" });
    if (now.text === text) {
      writeDraft(owner, null);
      if (saved.text !== text) {
        set({ text: saved.text });
        await readNow();
      }
    } else keep();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!error.offline) set({ refused: error.message });
  }
}

/** Take the file beside the graph in place of what is here. */
export async function takeTheirs(): Promise<void> {
  writeDraft(useSetup.getState().owner, null);
  useSetup.setState({ owner: "", conflict: "" });
  await load();
}

/** Why what was typed here does not simply become the file. */
const OTHER = "The recipe beside the graph changed since it was read here, and what you typed was not written yet";

const EMPTY = {
  reply: null,
  of: null,
  refused: "",
  conflict: "",
  data: null,
  dataKey: "",
  look: null,
  images: null,
  imagesTask: null,
  check: null,
  checkOf: null,
  checkTask: null,
} as const;

/** Show the recipe of the graph that is open now. */
export async function load(): Promise<void> {
  const { file, opened } = useComposer.getState();
  const owner = ownerOf(file, opened);
  const before = useSetup.getState();
  if (before.owner === owner) return;
  const saved = before.owner === `none/${opened}` || (before.owner.startsWith("shipped/") && wasOpen === opened);
  if (saved && file.place === "workspace") {
    // the graph was given a file: its recipe comes along
    useSetup.setState({ owner, version: null });
    writeDraft(before.owner, null);
    if (before.text.trim()) keep();
    return;
  }
  useSetup.setState({ ...EMPTY, owner, text: "", base: "", version: null });
  const draft = readDraft(owner);
  let found: Draft = draft ?? { text: "", base: "", version: null };
  let conflict = "";
  let unwritten = false;
  if (file.place === "workspace") {
    try {
      const stored = await askSetup<StoredRecipeReply>("stored", { graph: file.name });
      unwritten = draft !== null && draft.text !== stored.text;
      if (!draft || !unwritten) found = { text: stored.text, base: stored.base, version: stored.version };
      else if (stored.version !== null && draft.version !== stored.version) conflict = OTHER;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  if (useSetup.getState().owner !== owner) return;
  useSetup.setState({ ...found, conflict });
  wasOpen = opened;
  if (unwritten && !conflict) keep(); // what the page before could not write any more
  await readNow();
}

/** The graph that the recipe was read for, as `opened` counts them. */
let wasOpen = -1;

let awake = false;

/** Follow the graph that is open from now on; nothing is asked of the server before somebody wants to train. */
export async function wake(): Promise<void> {
  awake = true;
  await load();
  if (!useSetup.getState().reply) await readNow();
}

useComposer.subscribe((state, before) => {
  if (!awake) return;
  if (state.file !== before.file || state.opened !== before.opened) {
    if (state.document) void load();
  } else if (state.document !== before.document && useSetup.getState().owner) readSoon();
});
