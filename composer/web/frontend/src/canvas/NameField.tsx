import { useLayoutEffect, useRef } from "react";
import { useComposer } from "../store";
import { focusBox } from "./boxes";
import { useCanvas } from "./state";

/** Types a new name of a box in place: Enter takes it, Escape leaves it. */
export function NameField({ name }: { name: string }) {
  const field = useRef<HTMLInputElement>(null);
  const done = useRef(false);
  useLayoutEffect(() => {
    const take = () => {
      if (document.activeElement === field.current) return;
      field.current?.focus();
      field.current?.select();
    };
    take();
    // Once more, after whatever gave the focus to the box.
    const frame = requestAnimationFrame(take);
    return () => cancelAnimationFrame(frame);
  }, []);
  const close = async (take: boolean, back: boolean) => {
    if (done.current) return;
    done.current = true;
    const to = field.current?.value.trim() ?? "";
    useCanvas.getState().set({ renaming: null });
    let now = name;
    if (take && to && to !== name) {
      const reply = await useComposer.getState().edit([{ op: "rename", name, to }], { label: "rename" });
      now = reply?.renamed[name] ?? name;
    }
    if (back) focusBox(now);
  };
  return (
    <input
      ref={field}
      className="composer-name-field nodrag nopan"
      aria-label={`name of ${name}`}
      defaultValue={name}
      spellCheck={false}
      onKeyDown={(event) => {
        if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
        if (event.key === "Enter") void close(true, true);
        if (event.key === "Escape") void close(false, true);
      }}
      onBlur={() => void close(true, false)}
      onDoubleClick={(event) => event.stopPropagation()}
    />
  );
}
