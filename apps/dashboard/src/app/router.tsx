/** Router: which address shows what. Every address has a row of kind `page` in the server's table of routes. */
import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { apiSearch } from "../api-docs/api-search.ts";
import { compareSearch } from "../compare/compare-search.ts";
import { planSearch } from "../plans/plan-search.ts";
import { resolveSearch } from "../resolve/resolve-search.ts";
import { RunPage } from "../run/run-page.tsx";
import { runSearch } from "../run/run-search.ts";
import { RunsPage } from "../runs/runs-page.tsx";
import { runsSearch } from "../runs/runs-search.ts";
import { Broken } from "./broken.tsx";
import { lazyPart } from "./lazy-part.ts";
import { NotFound } from "./not-found.tsx";
import { parseSearch, stringifySearch } from "./search-params.ts";
import { Shell } from "./shell.tsx";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const home = createRoute({ getParentRoute: () => root, path: "/", validateSearch: runsSearch, component: RunsPage });
const project = createRoute({
  getParentRoute: () => root,
  path: "/p/$project",
  validateSearch: runsSearch,
  component: RunsPage,
});
const run = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/runs/$run",
  validateSearch: runSearch,
  component: RunPage,
});
const resolve = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/runs/$run/steps/$step/resolve",
  validateSearch: resolveSearch,
  component: lazyPart(async () => (await import("../resolve/resolve-page.tsx")).ResolvePage),
});
const worktrees = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/worktrees",
  component: lazyPart(async () => (await import("../worktrees/worktrees-page.tsx")).WorktreesPage),
});
const costs = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/costs",
  component: lazyPart(async () => (await import("../costs/costs-page.tsx")).CostsPage),
});
const inbox = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  component: lazyPart(async () => (await import("../inbox/inbox-page.tsx")).InboxPage),
});
const compare = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/compare/$a/$b",
  validateSearch: compareSearch,
  component: lazyPart(async () => (await import("../compare/compare-page.tsx")).ComparePage),
});
const plans = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/plans",
  component: lazyPart(async () => (await import("../plans/plans-page.tsx")).PlansPage),
});
const plan = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/plans/$file",
  validateSearch: planSearch,
  component: lazyPart(async () => (await import("../plans/plan-page.tsx")).PlanPage),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyPart(async () => (await import("../settings/settings-page.tsx")).SettingsPage),
});

const api = createRoute({
  getParentRoute: () => root,
  path: "/docs/api",
  validateSearch: apiSearch,
  component: lazyPart(async () => (await import("../api-docs/api-page.tsx")).ApiPage),
});

const pages = [home, project, run, resolve, compare, plans, plan, costs, worktrees, inbox, settings, api] as const;

export function createPageRouter() {
  return createRouter({
    routeTree: root.addChildren(pages),
    parseSearch,
    stringifySearch,
    defaultErrorComponent: Broken,
    defaultPreload: false,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createPageRouter>;
  }
}
