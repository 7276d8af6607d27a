import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon";

interface ButtonProps extends ComponentProps<"button"> {
  /** Framed; the one that is meant; one that destroys; without a frame; as a link within text. */
  look?: "plain" | "main" | "danger" | "quiet" | "link";
  small?: boolean;
}

/** A button in the looks of controls.css; it submits a form only where its `type` says so. */
export function Button({ look = "plain", small, className, type = "button", ...rest }: ButtonProps) {
  const looks = ["composer-button", look !== "plain" && `is-${look}`, small && "is-small", className];
  return <button type={type} className={looks.filter(Boolean).join(" ")} {...rest} />;
}

interface IconButtonProps extends Omit<ButtonProps, "aria-label" | "className" | "children"> {
  icon: IconName;
  /** Its name, and its title where it has no other. */
  label: string;
}

/** A button that shows an icon alone; quiet if nothing else is said. */
export function IconButton({ icon, label, title = label, look = "quiet", ...rest }: IconButtonProps) {
  return (
    <Button look={look} className="is-icon" aria-label={label} title={title} {...rest}>
      <Icon name={icon} />
    </Button>
  );
}
