import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon";

const LOOKS = {
  plain: "composer-button",
  /** The one that is meant. */
  main: "composer-button is-main",
  /** It destroys something. */
  danger: "composer-button is-danger",
  /** Without a frame. */
  quiet: "composer-button is-quiet",
  /** Within text. */
  link: "composer-button is-link",
  /** As its place draws it. */
  bare: "composer-bare",
};

interface ButtonProps extends ComponentProps<"button"> {
  look?: keyof typeof LOOKS;
  small?: boolean;
}

/** A button in the looks of controls.css; it submits a form only where its `type` says so. */
export function Button({ look = "plain", small, className, type = "button", ...rest }: ButtonProps) {
  const names = [LOOKS[look], small && "is-small", className];
  return <button type={type} className={names.filter(Boolean).join(" ")} {...rest} />;
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
