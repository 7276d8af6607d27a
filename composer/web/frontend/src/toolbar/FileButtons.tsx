import { useEffect, useRef } from "react";
import { download, newGraph, openGallery, save, saveAs, uploadOne } from "../dialogs/files";
import { keysOf, provide } from "../shortcuts";
import { Button } from "../ui/Button";
import { Icon, type IconName } from "../ui/Icon";
import { Menu } from "../ui/Menu";

/** New, Open, Save, and what is needed less often. */
export function FileButtons({ words }: { words: boolean }) {
  const chooser = useRef<HTMLInputElement>(null);
  useEffect(() => {
    provide("new", newGraph);
    provide("open", openGallery);
    provide("save", () => void save());
    provide("save-as", saveAs);
    const stop = takeDropped();
    return stop;
  }, []);
  const entry = (words: string, icon: IconName, action: () => void, shortcut?: string) => ({
    words,
    icon: <Icon name={icon} />,
    action,
    keys: shortcut && keysOf(shortcut),
  });
  return (
    <div className="composer-tools" role="group" aria-label="File">
      <FileButton wide={words} words="New" icon="new" shortcut="new" action={newGraph} />
      <FileButton wide={words} words="Open" icon="open" shortcut="open" action={openGallery} />
      <FileButton wide={words} words="Save" icon="save" shortcut="save" action={() => void save()} />
      <Menu
        label="More about files"
        entries={[
          entry("Save as ...", "save", saveAs, "save-as"),
          entry("Download YAML", "download", () => void download()),
          entry("Upload YAML, a config or a .pt2 ...", "upload", () => chooser.current?.click()),
        ]}
      />
      <input
        ref={chooser}
        type="file"
        hidden
        aria-label="File to upload"
        accept=".yaml,.yml,.py,.json,.pt2"
        onChange={(event) => {
          if (event.target.files) void uploadOne([...event.target.files]);
          event.target.value = "";
        }}
      />
    </div>
  );
}

function FileButton({
  wide,
  words,
  icon,
  shortcut,
  action,
}: {
  wide: boolean;
  words: string;
  icon: IconName;
  shortcut: string;
  action: () => void;
}) {
  return (
    <Button look="quiet" title={`${words} (${keysOf(shortcut)})`} aria-label={words} onClick={action}>
      <Icon name={icon} />
      {wide && <span>{words}</span>}
    </Button>
  );
}

/** A file that is dropped anywhere on the page is read, as if it was uploaded. */
function takeDropped(): () => void {
  const over = (event: DragEvent) =>
    event.dataTransfer?.types.includes("Files") && inComposer(event) && event.preventDefault();
  const drop = (event: DragEvent) => {
    const files = event.dataTransfer?.files;
    if (!files?.length || !inComposer(event)) return;
    event.preventDefault();
    void uploadOne([...files]);
  };
  window.addEventListener("dragover", over);
  window.addEventListener("drop", drop);
  return () => {
    window.removeEventListener("dragover", over);
    window.removeEventListener("drop", drop);
  };
}

/** The dock below takes files of its own. */
const inComposer = (event: DragEvent): boolean =>
  event.target instanceof Element && event.target.closest(".composer") !== null;
