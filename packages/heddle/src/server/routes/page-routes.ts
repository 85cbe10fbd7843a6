/**
 * Routes of the pages: addresses that all answer the same document, which has no data and needs no authority, and the files that it loads.
 * What a page shows it asks the API for, with the token of its session.
 */
import type { PageFile, PageFiles } from "../page-files.ts";
import type { RouteHead } from "../route.ts";

export interface FileRoute extends RouteHead {
  readonly kind: "page" | "asset";
  readonly method: "GET";
  readonly authority: "none";
  /** `undefined`: there is no such file. */
  readonly file: (files: PageFiles, params: Readonly<Record<string, string>>) => Promise<PageFile | undefined>;
}

function page(path: string): FileRoute {
  return { kind: "page", method: "GET", path, authority: "none", file: (files) => files.index() };
}

export const PAGE_ROUTES: readonly FileRoute[] = [
  page("/"),
  page("/inbox"),
  page("/settings"),
  page("/docs/api"),
  page("/p/:project"),
  page("/p/:project/runs/:run"),
  page("/p/:project/runs/:run/steps/:step/resolve"),
  page("/p/:project/compare/:a/:b"),
  page("/p/:project/plans"),
  page("/p/:project/plans/:file"),
  page("/p/:project/costs"),
  page("/p/:project/worktrees"),
  {
    kind: "asset",
    method: "GET",
    path: "/assets/:name",
    authority: "none",
    file: (files, { name = "" }) => files.asset(name),
  },
];
