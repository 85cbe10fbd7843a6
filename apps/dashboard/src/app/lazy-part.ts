/** Parts that are loaded when they are first shown: what the first visit does not need costs it nothing. */
import { lazy, type FunctionComponent, type LazyExoticComponent } from "react";

/** `load`: imports its module. */
export function lazyPart<Props = object>(
  load: () => Promise<FunctionComponent<Props>>,
): LazyExoticComponent<FunctionComponent<Props>> {
  return lazy(async () => ({ default: await load() }));
}
