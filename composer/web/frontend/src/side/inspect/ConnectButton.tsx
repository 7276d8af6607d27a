import { useEffect, useMemo, useRef, useState } from "react";
import { rank } from "../../logic/rank";
import type { Fit, FitsReply } from "../../payloads";
import { useComposer } from "../../store";
import { Button } from "../../ui/Button";
import { type Choice, Chooser } from "../../ui/Chooser";
import { Icon } from "../../ui/Icon";

interface Props {
  /** The end that is wired: a reference for a source, `neck.feature` for a target. */
  end: string;
  from: "source" | "target";
  words?: string;
  label: string;
  connect: (other: string) => void;
}

/** 'Connect to ...': lists the ends that fit, to be chosen by name. */
export function ConnectButton({ end, from, words, label, connect }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const shut = () => {
    setOpen(false);
    button.current?.focus();
  };
  const at = button.current?.getBoundingClientRect();
  return (
    <>
      <Button
        ref={button}
        small
        className="composer-connect"
        aria-haspopup="dialog"
        aria-label={label}
        title={label}
        onClick={() => setOpen(true)}
      >
        <Icon name="link" />
        {words ?? "Connect to ..."}
      </Button>
      {open && at && (
        <Ends end={end} from={from} label={label} at={[at.right - 320, at.bottom + 4]} shut={shut} connect={connect} />
      )}
    </>
  );
}

function Ends({
  end,
  from,
  label,
  at,
  shut,
  connect,
}: Pick<Props, "end" | "from" | "label" | "connect"> & { at: [number, number]; shut: () => void }) {
  const [query, setQuery] = useState("");
  const fits = useFits(end, from);
  const wires = useComposer((state) => state.view?.wires);
  const fitting = useMemo(() => (fits ?? []).filter((fit) => fit.reason === null), [fits]);
  const found = rank(
    query,
    fitting.map((fit) => ({ name: fit.end, kind: "", text: "", fit })),
  );
  const choices = found.map(({ fit }): Choice => ({ id: fit.end, words: fit.end, detail: detail(fit) }));
  const others = (fits?.length ?? 0) - fitting.length;
  function detail(fit: Fit): string {
    if (from === "target") return sizeOf(fit.end);
    const wire = wires?.find((one) => `${one.node}.${one.port}` === fit.end && one.at === null);
    return wire ? `now ${wire.source}` : "";
  }
  return (
    <Chooser
      at={at}
      label={label}
      title={others ? `${label} (${others} others do not fit)` : label}
      query={query}
      setQuery={setQuery}
      choices={choices}
      looking={fits === null}
      none={query ? "No end of this name fits." : (fits?.[0]?.reason ?? "Nothing fits: add a node first.")}
      choose={(other) => {
        shut();
        connect(other);
      }}
      close={shut}
    />
  );
}

function useFits(end: string, from: "source" | "target"): Fit[] | null {
  const [fits, setFits] = useState<Fit[] | null>(null);
  useEffect(() => {
    let stale = false;
    const { ask, document, path } = useComposer.getState();
    void ask<FitsReply>("fits", { document, path, [from]: end }).then((reply) => !stale && setFits(reply?.fits ?? []));
    return () => {
      stale = true;
    };
  }, [end, from]);
  return fits;
}

/** What a reference carries, as the view has it. */
function sizeOf(reference: string): string {
  const [, node, port, index] = /^([^.[\]]+)(?:\.([^.[\]]+))?(?:\[(-?\d+)\])?$/.exec(reference) ?? [];
  const outputs = useComposer.getState().view?.nodes.find((one) => one.name === node)?.outputs ?? [];
  const found = outputs.find((one) => one.name === port) ?? outputs[0];
  return (index === undefined ? found?.size : found?.levels?.at(Number(index))) ?? "";
}
