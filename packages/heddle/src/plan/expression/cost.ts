/**
 * Expression cost: an upper bound of what an evaluation costs, from the syntax tree and the size of the data. A loop
 * costs its list's length times its body. An estimate that is too high is fine; one that is too low would let a plan
 * block the engine.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import type { DataSize } from "./values.ts";
import { repeatsOf } from "./safe-pattern.ts";

/** Bounds of one node: the length of its value or of anything inside it, and the steps that computing it takes. */
interface Bound {
  readonly width: number;
  readonly work: number;
}

const LOOPS = new Set(["map", "filter", "all", "exists", "exists_one", "existsOne"]);

export function costOf(ast: ASTNode, size: DataSize): number {
  return new Estimate(size).of(ast).work;
}

class Estimate {
  readonly #size: DataSize;
  /** Widths of variables that loops bind. */
  readonly #variables = new Map<string, number>();

  constructor(size: DataSize) {
    this.#size = size;
  }

  of(node: ASTNode): Bound {
    switch (node.op) {
      case "value":
        return { width: typeof node.args === "string" ? node.args.length : 1, work: 1 };
      case "id":
        return { width: this.#variables.get(node.args) ?? this.#size.width, work: 1 };
      case ".":
      case ".?": {
        const target = this.of(node.args[0]);
        return { width: target.width, work: target.work + 1 };
      }
      case "call":
        return this.#plainCall(node.args[1]);
      case "rcall":
        return this.#method(node.args[0], node.args[1], node.args[2]);
      case "list":
        return this.#collection(node.args);
      case "map":
        return this.#collection(node.args.flat());
      case "!_":
      case "-_":
        return this.of(node.args);
      default:
        return this.#operation(node.op, node.args as readonly ASTNode[]);
    }
  }

  #collection(members: readonly ASTNode[]): Bound {
    const bounds = members.map((member) => this.of(member));
    const work = bounds.reduce((sum, bound) => sum + bound.work, 1);
    return { width: Math.max(members.length, 1, ...bounds.map((bound) => bound.width)), work };
  }

  #operation(op: string, operands: readonly ASTNode[]): Bound {
    const bounds = operands.map((operand) => this.of(operand));
    const work = bounds.reduce((sum, bound) => sum + bound.work, 1);
    const widths = bounds.map((bound) => bound.width);
    const sum = widths.reduce((all, width) => all + width, 0);
    if (op === "+") return { width: sum, work: work + sum / 16 };
    // Comparing and looking up walk whole values.
    if (op === "==" || op === "!=" || op === "in") return { width: 1, work: work + (sum + this.#size.total) / 8 };
    return { width: Math.max(1, ...widths), work };
  }

  #plainCall(args: readonly ASTNode[]): Bound {
    const bounds = args.map((argument) => this.of(argument));
    const width = bounds.reduce((sum, bound) => sum + bound.width, 32);
    return { width, work: bounds.reduce((sum, bound) => sum + bound.work, 1) + width / 16 };
  }

  #method(name: string, receiver: ASTNode, args: readonly ASTNode[]): Bound {
    const subject = this.of(receiver);
    const [variable, ...bodies] = args;
    if (variable?.op === "id" && LOOPS.has(name)) return this.#loop(name, subject, variable.args, bodies);
    if (variable?.op === "id" && name === "bind") {
      const [value, body] = bodies;
      const bound = value === undefined ? { width: 1, work: 1 } : this.of(value);
      const inner = this.#with(variable.args, bound.width, body === undefined ? [] : [body]);
      return { width: inner.width, work: bound.work + inner.work };
    }
    const rest = this.#plainCall(args);
    const work = subject.work + rest.work;
    if (name === "join") {
      const width = subject.width * (subject.width + rest.width);
      return { width, work: work + width / 16 };
    }
    if (name === "matches" && variable?.op === "value" && typeof variable.args === "string") {
      return { width: 1, work: work + subject.width ** (repeatsOf(variable.args) + 1) / 50 };
    }
    return { width: subject.width + rest.width, work: work + subject.width / 16 };
  }

  #loop(name: string, subject: Bound, variable: string, bodies: readonly ASTNode[]): Bound {
    const body = this.#with(variable, subject.width, bodies);
    const work = subject.work + subject.width * (body.work + 1);
    const width = name === "map" ? Math.max(subject.width, body.width) : subject.width;
    return { width, work };
  }

  #with(variable: string, width: number, bodies: readonly ASTNode[]): Bound {
    const outer = this.#variables.get(variable);
    this.#variables.set(variable, width);
    const bound = this.#collection(bodies);
    if (outer === undefined) this.#variables.delete(variable);
    else this.#variables.set(variable, outer);
    return bound;
  }
}
