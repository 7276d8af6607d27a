import { useEffect, useState } from "react";
import { Refusal } from "../../bridge";
import { bytes } from "../../logic/format";
import type { TrainExportReply, TrainExportRequest, TrainFile, TrainFilesView } from "../../payloads";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Modal } from "../../ui/Modal";
import { Select } from "../../ui/Select";
import { ask } from "../ask";

const FORMATS: { to: TrainExportRequest["to"]; words: string; about: string }[] = [
  { to: "safetensors", words: "YAML + weights", about: "The graph file and its weights, as composer.load takes them." },
  { to: "onnx", words: "ONNX", about: "One mode with the weights, for onnxruntime and others." },
  {
    to: "python",
    words: "Python file",
    about: "One file with every mode that needs torch alone. It holds no weights.",
  },
];

/** Export the best weights of a run, or take its files as they are. */
export function Files({ name, weights, onClose }: { name: string; weights: boolean; onClose: () => void }) {
  const [found, setFound] = useState<TrainFilesView | null>(null);
  const [mode, setMode] = useState("");
  const [busy, setBusy] = useState("");
  const [made, setMade] = useState<TrainExportReply | null>(null);
  const [wrong, setWrong] = useState("");
  const trying = async <T,>(work: () => Promise<T>): Promise<T | null> => {
    setWrong("");
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setWrong(error.message);
      return null;
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each run
  useEffect(() => {
    void trying(() => ask<TrainFilesView>("files", { name })).then((reply) => {
      setFound(reply);
      setMode(reply?.modes.includes("predict") ? "predict" : (reply?.modes[0] ?? ""));
    });
  }, [name]);
  const write = async (to: TrainExportRequest["to"]) => {
    setBusy(to);
    setMade(null);
    setMade(await trying(() => ask<TrainExportReply>("export", { name, to, mode })));
    setBusy("");
  };
  return (
    <Modal title="Export the trained model" onClose={onClose}>
      {weights ? (
        <>
          {found && found.modes.length > 1 && (
            <label className="train-mode">
              Mode that goes into ONNX
              <Select value={mode} change={setMode}>
                {found.modes.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </Select>
            </label>
          )}
          <ul className="train-formats">
            {FORMATS.map(({ to, words, about }) => (
              <li key={to}>
                <Button disabled={busy !== ""} onClick={() => void write(to)}>
                  {busy === to ? "Writing" : words}
                </Button>
                <span className="composer-soft">{about}</span>
              </li>
            ))}
          </ul>
          {busy && <p role="status">Writing the file, reading it again and comparing</p>}
          {made && (
            <div className="train-made" role="status">
              <FileList files={made.files} />
              {made.notes.map((note) => (
                <p key={note}>{note}</p>
              ))}
            </div>
          )}
        </>
      ) : (
        <p>It has written no weights yet: these come with the first evaluation.</p>
      )}
      {wrong && (
        <p className="train-trouble" role="alert">
          {wrong}
        </p>
      )}
      {found && found.files.length > 0 && (
        <>
          <h3>Files of the run</h3>
          <FileList files={found.files} />
        </>
      )}
    </Modal>
  );
}

const FileList = ({ files }: { files: TrainFile[] }) => (
  <ul className="train-files">
    {files.map((file) => (
      <li key={file.address}>
        <a href={file.address} download={file.name}>
          <Icon name="download" />
          {file.name}
        </a>
        <span className="composer-soft">{bytes(file.size)}</span>
      </li>
    ))}
  </ul>
);
