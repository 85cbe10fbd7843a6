/** Cost tables: what agents said that they used, with what nobody knows counted beside it. */
import type { ReactNode } from "react";
import type { CostsDocument, CostTotal } from "heddle/client";
import { costText, countOf, countText } from "../ui/format.ts";
import "./cost-tables.css";

/** The sum, in figures. `ranMs`: how long the run has gone on that it is of. */
export function CostFigures({
  total,
  ranMs,
}: {
  readonly total: CostTotal;
  readonly ranMs?: number | undefined;
}): ReactNode {
  const { tokens } = total;
  return (
    <dl className="cost-figures">
      <div>
        <dt>Cost</dt>
        <dd>{costText(total.cost)}</dd>
      </div>
      {ranMs === undefined || total.cost === null || ranMs < SHORTEST_MS ? null : (
        <div>
          <dt>An hour</dt>
          <dd>{costText((total.cost / ranMs) * 3_600_000)}</dd>
        </div>
      )}
      <div>
        <dt>Turns of agents</dt>
        <dd>{countText(total.turns)}</dd>
      </div>
      {total.turnsWithoutCost === 0 ? null : (
        <div>
          <dt>Cost not known</dt>
          <dd>{countOf(total.turnsWithoutCost, "turn")}</dd>
        </div>
      )}
      {KINDS.map(([kind, name]) =>
        tokens[kind] === undefined ? null : (
          <div key={kind}>
            <dt>{name}</dt>
            <dd>{countText(tokens[kind])}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** Of what went on for less nothing is said by the hour. */
const SHORTEST_MS = 60_000;

const KINDS = [
  ["input", "Tokens in"],
  ["cachedRead", "Read from a cache"],
  ["cacheWrite", "Written to a cache"],
  ["output", "Tokens out"],
  ["reasoning", "Of these, reasoning"],
] as const;

export interface CostLine extends CostTotal {
  readonly key: string;
  readonly name: ReactNode;
}

/** Lines with a bar each, as long as its part of the dearest. */
export function CostTable({
  title,
  of,
  lines,
}: {
  readonly title: string;
  readonly of: string;
  readonly lines: readonly CostLine[];
}): ReactNode {
  if (lines.length === 0) return null;
  const most = Math.max(...lines.map(({ cost }) => cost ?? 0));
  return (
    <section className="panel cost-table" aria-label={title}>
      <h2>{title}</h2>
      <div className="cost-scroll" tabIndex={0} role="region" aria-label={`${title}, table`}>
        <table>
          <thead>
            <tr>
              <th>{of}</th>
              <th className="num">Cost</th>
              <th className="cost-share">
                <span className="visually-hidden">Share of the dearest</span>
              </th>
              <th className="num">Turns</th>
              <th className="num">Tokens in</th>
              <th className="num">Tokens out</th>
            </tr>
          </thead>
          <tbody>
            {lines.map(({ key, name, cost, turns, turnsWithoutCost, tokens }) => (
              <tr key={key}>
                <td className="cost-name">{name}</td>
                <td className="num">
                  {costText(cost)}
                  {turnsWithoutCost > 0 && cost !== null ? <span className="dim"> and more</span> : null}
                </td>
                <td className="cost-share">
                  {most === 0 || cost === null ? null : (
                    <div className="cost-bar" style={{ width: `${(cost / most) * 100}%` }} />
                  )}
                </td>
                <td className="num">{countText(turns)}</td>
                <td className="num">{tokensText(tokens.input, tokens.cachedRead, tokens.cacheWrite)}</td>
                <td className="num">{tokensText(tokens.output)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** The sum of what is known; a dash where nothing is. */
function tokensText(...counts: readonly (number | undefined)[]): string {
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0 ? "–" : countText(known.reduce((sum, count) => sum + count, 0));
}

export function modelLines({ byModel }: CostsDocument): readonly CostLine[] {
  return byModel.map((one) => ({
    ...one,
    key: `${one.agent} ${one.model ?? ""}`,
    name: (
      <>
        {one.agent} <span className="dim">{one.model ?? "model not told"}</span>
      </>
    ),
  }));
}
