import { type NodeProps, NodeResizer } from "@xyflow/react";
import { memo, useEffect, useRef } from "react";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { focusBox } from "./boxes";
import { beginDrag, endDrag, letGo } from "./dragging";
import type { Box } from "./drawing";
import { useCanvas } from "./state";

const COLOURS = ["grey", "blue", "green", "yellow", "red"] as const;

/** A note on the canvas: it is dragged, resized, coloured, and edited by a double click. */
export const CommentNode = memo(function CommentNode({ id, data, selected }: NodeProps<Box>) {
  const editing = useCanvas((state) => state.renaming === id);
  const given = useRef(false);
  const comment = data.comment;
  if (!comment) return null;
  const change = (
    part: Partial<{ text: string; colour: (typeof COLOURS)[number]; box: [number, number, number, number] }>,
  ) =>
    useComposer.getState().edit(
      [
        {
          op: "comment",
          id: comment.id,
          text: comment.text,
          colour: comment.colour as "yellow",
          box: comment.box,
          ...part,
        },
      ],
      {
        label: "comment",
        select: [id],
      },
    );
  return (
    <div className={`composer-comment composer-comment-${comment.colour}${selected ? " composer-box-selected" : ""}`}>
      <NodeResizer
        isVisible={selected}
        minWidth={96}
        minHeight={48}
        onResizeStart={() => {
          given.current = false;
          beginDrag(() => {
            given.current = true;
            letGo();
            stretch(id, comment.box);
          });
        }}
        onResizeEnd={(_, { x, y, width, height }) => {
          if (given.current) return;
          endDrag();
          void change({ box: [x, y, width, height].map(Math.round) as [number, number, number, number] });
        }}
      />
      {selected && (
        <div className="composer-comment-colours nodrag" role="group" aria-label="colour of the comment">
          {COLOURS.map((colour) => (
            <Button
              key={colour}
              look="bare"
              className={`composer-swatch composer-comment-${colour}`}
              aria-label={colour}
              aria-pressed={colour === comment.colour}
              onClick={() => void change({ colour })}
            />
          ))}
        </div>
      )}
      {editing ? (
        <TextField id={id} text={comment.text} take={(text) => text !== comment.text && void change({ text })} />
      ) : (
        <div className="composer-comment-text">{comment.text || <i>Double-click to write</i>}</div>
      )}
    </div>
  );
});

/** Draw a comment in its place and size. */
function stretch(id: string, [x, y, width, height]: [number, number, number, number]): void {
  useCanvas
    .getState()
    .flow?.updateNode(id, { position: { x, y }, width, height, measured: { width, height }, resizing: false });
}

function TextField({ id, text, take }: { id: string; text: string; take: (text: string) => void }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const dropped = useRef(false);
  useEffect(() => {
    const frame = requestAnimationFrame(() => field.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const close = () => useCanvas.getState().set({ renaming: null });
  return (
    <textarea
      ref={field}
      className="composer-comment-field nodrag nopan nowheel"
      aria-label="text of the comment"
      defaultValue={text}
      onBlur={(event) => {
        if (!dropped.current) take(event.currentTarget.value);
        close();
      }}
      onKeyDown={(event) => {
        if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
        dropped.current = event.key === "Escape";
        if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
          event.currentTarget.blur();
          focusBox(id);
        }
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    />
  );
}
