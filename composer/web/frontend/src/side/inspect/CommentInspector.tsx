import type { Comment, CommentView } from "../../payloads";
import { useComposer } from "../../store";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { act, changeBy } from "../edits";
import { FormField } from "../form/FormField";

const COLOURS: NonNullable<Comment["colour"]>[] = ["grey", "blue", "green", "yellow", "red"];

/** A comment on the canvas. */
export function CommentInspector({ comment }: { comment: CommentView }) {
  const { id, text } = comment;
  const put = (label: string, part: Partial<Comment>) =>
    changeBy(label, (view) => {
      const { text, box, colour } = view?.comments.find((one) => one.id === id) ?? comment;
      return [{ op: "comment", id, text, box, colour: colour as Comment["colour"], ...part }];
    });
  const colour = COLOURS.find((one) => one === comment.colour) ?? "yellow";
  return (
    <>
      <div className="composer-heading">
        <h2>Comment</h2>
      </div>
      <FormField
        name="text"
        field={{ kind: "text" }}
        value={text}
        given={false}
        commit={(value) => put("change comment", { text: String(value) })}
      />
      <FormField
        name="colour"
        field={{ kind: "choice", options: COLOURS }}
        value={colour}
        given={false}
        commit={(value) => put("colour comment", { colour: value as typeof colour })}
      />
      <Button
        look="danger"
        className="composer-apart"
        onClick={() => {
          act("delete comment", { op: "remove-comment", id });
          useComposer.getState().select([]);
        }}
      >
        <Icon name="remove" /> Delete
      </Button>
    </>
  );
}
