import { sameGraph } from "../../logic/sameGraph";
import type { NodeFinding } from "../../payloads";
import { useComposer } from "../../store";
import { useSetup } from "./store";

const WORST = { ok: 0, warning: 1, error: 2 } as const;

/** What the check found of a node; of a call of a subgraph the worst of what is inside. Null where it is out of date. */
export function useFinding(path: string): NodeFinding | null {
  const document = useComposer((state) => state.document);
  const fresh = useSetup(
    ({ checkOf, text }) => checkOf !== null && checkOf.text === text && sameGraph(checkOf.document, document),
  );
  const nodes = useSetup((state) => state.check?.nodes);
  if (!fresh || !nodes) return null;
  const own = nodes[path];
  if (own) return own;
  const inside = Object.keys(nodes).filter((name) => name.startsWith(`${path}.`));
  const found = inside.map((name) => nodes[name]).filter((one): one is NodeFinding => one !== undefined);
  return found.sort((one, other) => WORST[other.state] - WORST[one.state])[0] ?? null;
}

/** The finding of the check under a box of the canvas. */
export function CheckMark({ path }: { path: string }) {
  const shown = useSetup((state) => state.onCanvas && state.check !== null);
  const found = useFinding(path);
  if (!shown || !found) return null;
  const words = markWords(found);
  return words ? (
    <div className={`setup-mark is-${found.state}`} title={found.about || "Found by the check before training"}>
      {words}
    </div>
  ) : null;
}

/** The few words that have room under a box. */
export function markWords(one: NodeFinding): string {
  if (one.broken) return "gradient not finite";
  if (one.unreached) return "not reached by a loss";
  if (one.state === "error") return one.about;
  if (one.kind === "frozen") return "frozen, as asked";
  if (one.kind === "momentum copy") return "follows its source";
  if (one.norm !== null) return `gradient ${one.norm === 0 ? "0" : one.norm.toPrecision(2)}`;
  return one.about;
}
