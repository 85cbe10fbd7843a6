/** Layers of a plan: its steps by what they come after, with the longest path marked. */
import { useState, type ReactNode } from "react";
import type { PlanStepView, PlanView } from "heddle/view";
import { countOf } from "../ui/format.ts";

/** Steps of one layer that are shown. */
const MOST_SHOWN = 60;
const MOST_LAYERS = 200;

export function PlanLayers({ plan }: { readonly plan: PlanView }): ReactNode {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const byId = new Map(plan.steps.map((step) => [step.id, step]));
  const critical = new Set(plan.criticalPath);
  const layers = plan.layers.map((ids, at) => ({
    layer: at + 1,
    steps: ids.flatMap((id) => {
      const step = byId.get(id);
      return step !== undefined && id.toLowerCase().includes(wanted) ? [step] : [];
    }),
  }));
  const shown = layers.filter(({ steps }) => steps.length > 0);
  return (
    <section className="panel plan-layers" aria-label="Steps by layer">
      <div className="page-head">
        <h2>Steps by layer</h2>
        <input
          type="search"
          aria-label="Text in a step's id"
          placeholder="Find a step"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <div className="plan-layer-list" tabIndex={0} role="region" aria-label="Layers">
        {shown.slice(0, MOST_LAYERS).map(({ layer, steps }) => (
          <div key={layer}>
            <h3>
              Layer {layer}, {countOf(steps.length, "step")}
            </h3>
            <ul>
              {steps.slice(0, MOST_SHOWN).map((step) => (
                <PlanStep key={step.id} step={step} isCritical={critical.has(step.id)} />
              ))}
              {steps.length > MOST_SHOWN ? (
                <li className="dim">and {countOf(steps.length - MOST_SHOWN, "more step")}</li>
              ) : null}
            </ul>
          </div>
        ))}
      </div>
      {shown.length === 0 ? <p className="dim">No step has “{text}” in its id.</p> : null}
      {shown.length > MOST_LAYERS ? (
        <p className="dim">and {countOf(shown.length - MOST_LAYERS, "more layer")}: a text above narrows them.</p>
      ) : null}
    </section>
  );
}

function PlanStep({ step, isCritical }: { readonly step: PlanStepView; readonly isCritical: boolean }): ReactNode {
  const order = [...step.deps, ...step.after];
  return (
    <li className={isCritical ? "plan-layer-critical" : undefined}>
      <span>{step.id}</span>{" "}
      <span className="dim">
        {step.kind}
        {order.length === 0 ? "" : ` after ${order.slice(0, 4).join(", ")}${order.length > 4 ? ", …" : ""}`}
      </span>
      {isCritical ? <span className="visually-hidden">, on the longest path</span> : null}
    </li>
  );
}
