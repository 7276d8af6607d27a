import { openConnect, openSearch } from "../canvas/commands";
import { useCanvas } from "../canvas/state";
import { openDock } from "../dock";
import { keysOf, shortcut } from "../shortcuts";
import { useComposer } from "../store";
import { Button } from "../ui/Button";

interface Step {
  title: string;
  text: string;
  /** What its buttons say, and do once the dialog is closed. */
  buttons: [string, () => void][];
}

const composer = () => useComposer.getState();

function connect(): void {
  const { view, selection, select, notify } = composer();
  const node = view?.nodes.find((one) => selection.includes(one.name)) ?? view?.nodes.at(-1);
  if (!node) {
    notify("info", "There is no box yet: add a component first.");
    return;
  }
  select([node.name]);
  requestAnimationFrame(openConnect);
}

function showProblems(): void {
  if (composer().hidden.side) composer().toggle("side");
  composer().set({ panel: "problems" });
}

const steps = (): Step[] => [
  {
    title: "Begin",
    text: "Open a template and change it, or begin with an empty graph.",
    buttons: [["Open a template", () => composer().set({ dialog: "gallery" })]],
  },
  {
    title: "Add components",
    text: `Drag them from the palette on the left, or press ${keysOf("search")} and type: a backbone, a neck, a head, a loss. An image and labels are added the same way.`,
    buttons: [["Add a component", () => openSearch()]],
  },
  {
    title: "Wire them",
    text: `Drag from a port on the right of a box to a port on the left of another; ports that do not fit are dimmed. Let go over the ground to see what fits. By keyboard: ${keysOf("connect")}.`,
    buttons: [["Connect a box", connect]],
  },
  {
    title: "Say what comes out",
    text: "Wire features into tensor outputs, the loss into loss outputs, classes into predict outputs. Each mode runs only what its outputs need.",
    buttons: [["Show all boxes", () => shortcut("fit")?.action()]],
  },
  {
    title: "Mend problems",
    text: "What is wrong is listed as you draw, with where and why. A click goes there, and Fix repairs it where that is possible.",
    buttons: [["Show problems", showProblems]],
  },
  {
    title: "Run and save",
    text: `Run the model on an image below the canvas. Save (${keysOf("save")}) writes the YAML file that composer.load reads in a script.`,
    buttons: [
      ["Run on an image", () => openDock("Run")],
      ["Save", () => shortcut("save")?.action()],
    ],
  },
];

/** How a model is made, each step with a button that begins it. */
export function FirstSteps() {
  const begin = (action: () => void) => {
    composer().set({ dialog: null });
    useCanvas.getState().root?.focus({ preventScroll: true });
    action();
  };
  return (
    <section className="composer-steps" aria-label="First steps">
      <h3>First steps</h3>
      <ol>
        {steps().map(({ title, text, buttons }) => (
          <li key={title}>
            <h4>{title}</h4>
            <p>{text}</p>
            <div>
              {buttons.map(([words, action]) => (
                <Button key={words} small onClick={() => begin(action)}>
                  {words}
                </Button>
              ))}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
