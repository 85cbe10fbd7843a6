/**
 * Exec adapter: drives any command as an agent. The prompt is its input, its output the answer, exit code 0 a success.
 * Sessions, tools and usage are not available.
 */
import { type AgentFailure, failureOf } from "./failure-class.ts";
import type { Program } from "./program.ts";
import { probeProgram } from "./program.ts";
import { startHeadless } from "./stream-process.ts";
import { TextTail } from "./line-reader.ts";
import { type AgentAdapter, TEXT_LIMIT } from "./port.ts";
import type { AgentWorld } from "./process.ts";

export interface ExecAgent {
  readonly id: string;
  readonly provider: string;
  readonly program: Program;
  /** `{model}` stands for the model; an argument with it is left out where no model is given. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const MODEL = "{model}";

export function execAdapter(world: AgentWorld, agent: ExecAgent): AgentAdapter {
  return {
    id: agent.id,
    provider: agent.provider,
    homePaths: [],
    homeFiles: [],
    nestsSandbox: false,
    resumes: false,
    probe: () => probeProgram(world, agent.program, world.path),
    start(context) {
      const { model } = context;
      const fill = (args: readonly string[]): readonly string[] =>
        args.flatMap((arg) =>
          arg.includes(MODEL) ? (model === undefined ? [] : [arg.replaceAll(MODEL, model)]) : [arg],
        );
      const said = new TextTail(TEXT_LIMIT);
      return startHeadless(world, context, {
        provider: agent.provider,
        program: { command: agent.program.command, args: fill(agent.program.args) },
        args: fill(agent.args),
        env: agent.env,
        tellsSession: false,
        parser: {
          line(text) {
            said.push(`${text}\n`);
            context.log(text);
            context.emit({ type: "text", text: text.slice(0, TEXT_LIMIT) });
          },
          text: () => said.text.trim(),
          verdict: (code, words) => (code === 0 ? "done" : failureOfExit(code, words)),
        },
      });
    },
  };
}

/** `undefined`: its output says nothing, so it crashed. */
function failureOfExit(code: number, words: string): AgentFailure | undefined {
  const read = failureOf(words, undefined, "crash");
  return read.class === "crash" ? undefined : { ...read, message: `exit code ${code}: ${read.message}` };
}
