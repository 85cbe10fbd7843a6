/** Button: the one control for actions. A disabled one that says why stays focusable, so that everybody can read the reason. */
import type { ComponentProps, ReactNode } from "react";
import "./button.css";

export interface ButtonProps extends Omit<ComponentProps<"button">, "children" | "disabled"> {
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  /** Why it cannot be used now; it is shown as a title and said to screen readers. Absent: it can. */
  readonly unusable?: string | undefined;
  readonly children: ReactNode;
}

export function Button({
  kind = "plain",
  unusable,
  className,
  onClick,
  title,
  children,
  ...rest
}: ButtonProps): ReactNode {
  const isUnusable = unusable !== undefined;
  return (
    <button
      type="button"
      className={["button", kind === "plain" ? "" : kind, className].filter(Boolean).join(" ")}
      aria-disabled={isUnusable || undefined}
      title={unusable ?? title}
      onClick={isUnusable ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {children}
    </button>
  );
}
