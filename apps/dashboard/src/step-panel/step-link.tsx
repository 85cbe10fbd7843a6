/** Step links: other steps of the run, opened in the same panel. */
import { Fragment, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";

export function StepLink({ id }: { readonly id: string }): ReactNode {
  return (
    <Link
      className="link"
      from="/p/$project/runs/$run"
      search={(before) => ({ ...before, step: id, attempt: undefined, line: undefined })}
    >
      {id}
    </Link>
  );
}

/** `more`: how many others there are. */
export function StepLinks({ ids, more = 0 }: { readonly ids: readonly string[]; readonly more?: number }): ReactNode {
  return (
    <>
      {ids.map((id, at) => (
        <Fragment key={id}>
          {at === 0 ? "" : at === ids.length - 1 && more === 0 ? " and " : ", "}
          <StepLink id={id} />
        </Fragment>
      ))}
      {more > 0 ? ` and ${more} more` : null}
    </>
  );
}
