import { codeIn } from "../../logic/paragraphs";

/** Text of a docstring, with what it marks as code. */
export function Prose({ text }: { text: string }) {
  return codeIn(text).map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part));
}
