/** What is set up before a training: the recipe as text, what the server reads in it, and what was found. */
import { create } from "zustand";
import type {
  CheckResult,
  DataResult,
  ImagesResult,
  ProblemView,
  RecipeFormReply,
  RecipeReply,
  TaskView,
} from "../../payloads";

/** What a finding was found of: the recipe and the graph as they were. */
export interface Of {
  text: string;
  document: string;
}

interface SetupState {
  /** Which graph the recipe belongs to; empty before the first one is read. */
  owner: string;
  text: string;
  /** The folder of the workspace that paths in the text hold from. */
  base: string;
  /** What the file beside the graph was when it was read; null where there is none. */
  version: string | null;
  reply: RecipeReply | null;
  /** What `reply` was read of. */
  of: Of | null;
  /** Why the last change was refused, or nothing was read. */
  refused: string;
  /** Somebody else changed the file beside the graph. */
  conflict: string;
  form: RecipeFormReply | null;
  data: DataResult | null;
  /** The data that `data` is about. */
  dataKey: string;
  look: TaskView | null;
  images: ImagesResult | null;
  imagesTask: TaskView | null;
  unpack: TaskView | null;
  check: CheckResult | null;
  checkOf: Of | null;
  checkTask: TaskView | null;
  /** Whether the findings of the check stand on the canvas. */
  onCanvas: boolean;
  set: (part: Partial<SetupState>) => void;
}

export const useSetup = create<SetupState>()((set) => ({
  owner: "",
  text: "",
  base: "",
  version: null,
  reply: null,
  of: null,
  refused: "",
  conflict: "",
  form: null,
  data: null,
  dataKey: "",
  look: null,
  images: null,
  imagesTask: null,
  unpack: null,
  check: null,
  checkOf: null,
  checkTask: null,
  onCanvas: true,
  set: (part) => set(part),
}));

const NONE: ProblemView[] = [];

/** What does not fit between graph and data, for the panel of problems: what the graph alone has is there already. */
export const useUnfit = (): ProblemView[] =>
  useSetup((state) => (state.reply?.known && state.data ? unfitIn(state.reply) : NONE));

const seen = new WeakMap<RecipeReply, ProblemView[]>();

function unfitIn(reply: RecipeReply): ProblemView[] {
  const found = seen.get(reply) ?? reply.graph_problems.filter((one) => one.severity !== "notice" && isOfData(one));
  seen.set(reply, found);
  return found;
}

/** Whether a problem comes of the data; those of the graph by itself are listed beside it. */
const isOfData = ({ code }: ProblemView): boolean =>
  code.startsWith("data-") || code === "bad-image" || code === "no-loss";
