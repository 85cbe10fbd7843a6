/** Hooks of logs: a log for as long as something shows it, and a look at it whenever the screen is drawn. */
import { useEffect, useRef, useState } from "react";
import { useHeddle } from "../store/heddle.tsx";
import { LogModel } from "./log-model.ts";
import { servedLog, type AttemptId } from "./served-log.ts";

function after(delayMs: number, fire: () => void): () => void {
  const timer = setTimeout(fire, delayMs);
  return () => clearTimeout(timer);
}

/** `undefined`: not yet. `isLive`: more may be written. */
export function useLogModel(
  { project, run, step, attempt }: AttemptId,
  isLive: boolean,
  tailLines?: number,
): LogModel | undefined {
  const heddle = useHeddle();
  const [model, setModel] = useState<LogModel>();
  // An attempt that ended and goes on is a log that is opened again.
  const lives = useRef({ isLive, count: 0 });
  if (isLive && !lives.current.isLive) lives.current.count++;
  lives.current.isLive = isLive;
  const { count } = lives.current;
  useEffect(() => {
    const source = servedLog(heddle, { project, run, step, attempt });
    const made = new LogModel({
      source,
      isLive: lives.current.isLive,
      after,
      ...(tailLines === undefined ? {} : { tailLines }),
    });
    setModel(made);
    return () => {
      made.close();
      setModel(undefined);
    };
  }, [heddle, project, run, step, attempt, count, tailLines]);
  useEffect(() => {
    if (!isLive) model?.end();
  }, [isLive, model]);
  return model;
}

/** Draws anew after changes, once for each picture of the screen however many there are. */
export function useFrames(of: { subscribe(listener: () => void): () => void } | undefined): number {
  const [frames, setFrames] = useState(0);
  useEffect(() => {
    let frame = 0;
    const draw = (): void => {
      frame = 0;
      setFrames((before) => before + 1);
    };
    const off = of?.subscribe(() => {
      if (frame === 0) frame = requestAnimationFrame(draw);
    });
    draw();
    return () => {
      off?.();
      cancelAnimationFrame(frame);
    };
  }, [of]);
  return frames;
}
