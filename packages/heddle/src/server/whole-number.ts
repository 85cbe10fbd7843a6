/** Whole number: a number in a path or behind the `?`, which are texts. */
import { z } from "zod";

export function wholeNumber(from: number, to: number): z.ZodType<number> {
  return z.coerce.number().int().min(from).max(to) as unknown as z.ZodType<number>;
}
