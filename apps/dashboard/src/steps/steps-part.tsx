/** Steps of the run as a list. */
import type { ReactNode } from "react";
import { useShownRun } from "../run/shown-run.tsx";
import { durationText } from "../ui/format.ts";
import { Status } from "../ui/glyph.tsx";

export function StepsPart(): ReactNode {
  const { run } = useShownRun();
  return (
    <div className="page" tabIndex={0} role="region" aria-label="Steps">
      <table>
        <thead>
          <tr>
            <th>Status</th>
            <th>Step</th>
            <th className="num">Layer</th>
            <th>What</th>
            <th className="num">Time</th>
          </tr>
        </thead>
        <tbody>
          {run.steps.map((step) => (
            <tr key={step.id}>
              <td>
                <Status name={step.status} />
              </td>
              <td>{step.id}</td>
              <td className="num">{step.layer}</td>
              <td className="dim">{step.note}</td>
              <td className="num">{step.durationMs === null ? "" : durationText(step.durationMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
