import { type ReactNode, useState } from "react";

const closed = new Map<string, boolean>();

/** A part of the panel that folds; it is found as it was left. */
export function Section({
  title,
  about,
  children,
  shut = false,
}: {
  title: string;
  about?: ReactNode;
  children: ReactNode;
  shut?: boolean;
}) {
  const [open, setOpen] = useState(!(closed.get(title) ?? shut));
  return (
    <details
      className="composer-section"
      open={open}
      onToggle={(event) => {
        closed.set(title, !event.currentTarget.open);
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>
        <h3>{title}</h3>
        {about !== undefined && <span className="composer-soft">{about}</span>}
      </summary>
      {open && <div className="composer-section-body">{children}</div>}
    </details>
  );
}
