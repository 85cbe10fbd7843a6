/** Closing of the step that is looked at. The focus goes back to where the step is on the page, so that the keyboard goes on from there. */
import { getRouteApi } from "@tanstack/react-router";

const route = getRouteApi("/p/$project/runs/$run");

export function useCloseStep(): () => void {
  const { step } = route.useSearch();
  const navigate = route.useNavigate();
  return () => {
    const within = document.activeElement?.closest(".step-panel") !== null;
    void navigate({ search: (before) => ({ ...before, step: undefined, attempt: undefined, line: undefined }) });
    if (!within || step === undefined) return;
    const rows = [...document.querySelectorAll<HTMLElement>("main [data-step]")];
    const row = rows.find((one) => one.dataset["step"] === step);
    (row ?? document.getElementById("main"))?.focus();
  };
}
