/**
 * Layout in slices: places the nodes of a large graph without stopping the page. The pages' policy (`trusted-types 'none'`) lets no script
 * start a worker, so the work gives way to what else there is to do every few milliseconds.
 */
import { layoutWork, type GraphLayout, type LayeredEdges } from "heddle/view";
import { BOX } from "./scene.ts";

const SLICE_MS = 10;
/** A layer with more boxes has several columns: a drawing is about as high as it is wide. */
const FEWEST_ROWS = 16;
const MOST_LANES = 60_000;

/** Small graphs are ready at once: the answer is no promise. `undefined`: it was given up. */
export function slicedLayout(edges: LayeredEdges, signal: AbortSignal): GraphLayout | Promise<GraphLayout | undefined> {
  const work = layoutWork(edges, {
    boxWidth: BOX.width,
    boxHeight: BOX.height,
    gapX: BOX.gapX,
    gapY: BOX.gapY,
    mostRows: Math.max(FEWEST_ROWS, Math.ceil(2 * Math.sqrt(edges.size))),
    mostLanes: MOST_LANES,
  });
  const slice = (): GraphLayout | undefined => {
    const end = performance.now() + SLICE_MS;
    for (;;) {
      const { done, value } = work.next();
      if (done === true) return value;
      if (performance.now() > end) return undefined;
    }
  };
  return slice() ?? rest(slice, signal);
}

async function rest(slice: () => GraphLayout | undefined, signal: AbortSignal): Promise<GraphLayout | undefined> {
  for (;;) {
    await turn();
    if (signal.aborted) return undefined;
    const layout = slice();
    if (layout !== undefined) return layout;
  }
}

/** Until the browser has done what waits. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
