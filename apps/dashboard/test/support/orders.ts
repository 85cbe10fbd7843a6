/** A small shop whose agents meet: what each of them makes of its files. */
import { write, type AgentsStage } from "./agents-stage.ts";

const model = (fields: string, label: string): string => `import type { OrderId, Currency, PageCursor } from "./ids";

/** An order, as every part of the shop sees it. */
export interface Order {
  id: OrderId;
${fields}}

export interface OrderLine {
  order: OrderId;
  product: string;
  count: number;
}

export function isEmpty(lines: readonly OrderLine[]): boolean {
  return lines.every(({ count }) => count === 0);
}

/** For lists and mails. */
export function label(order: Order): string {
${label}}
`;

const list = (body: string): string => `import { label } from "./model";

export function List({ orders }) {
${body}
}
`;

/** A name and a text that try to be more than that. */
export const HOSTILE = "<img src=x onerror=pwned=1>.md";
const hostile = (word: string): string => `# <script>pwned=1</script>\n${word} \u202Eevil\u2066\n`;

export const SHOP: Readonly<Record<string, string>> = {
  "orders/model.ts": model("  total: number;\n", "  return String(order.id);\n"),
  "orders/list.tsx": list("  return orders.map(label);"),
  "orders/logo.bin": "\0\u0001\u0002",
  "README.md": "# Shop\n",
  [HOSTILE]: hostile("first"),
};

export const CENTS: string = model(
  "  totalCents: number;\n  currency: Currency;\n",
  "  return `${order.id}: ${order.totalCents / 100} ${order.currency}`;\n",
);
export const PAGED: string = model(
  "  total: number;\n  page: PageCursor;\n",
  "  return `${order.id} (page ${order.page})`;\n",
);

/** A run in which `web-orders` waits for a person: it meets what `api-orders` merged in two files. `web-login` works on. */
export async function meet(
  stage: AgentsStage,
  verify: string,
): Promise<{ readonly run: string; readonly end: () => Promise<void> }> {
  const [web, login] = [stage.gate("web"), stage.gate("login")];
  const run = await stage.start(
    [
      {
        id: "api-orders",
        description: "money as integer cents",
        does: [
          write("orders/model.ts", CENTS),
          write("orders/list.tsx", list("  return orders.map((order) => `${label(order)} ${order.currency}`);")),
          write("orders/logo.bin", "\0api"),
          write(HOSTILE, hostile("api")),
          write("orders/<b>cents</b>.test.ts", "test('cents', () => {});\n"),
        ],
      },
      {
        id: "web-orders",
        description: "order list with paging",
        verify,
        does: [
          write("orders/model.ts", PAGED),
          write("orders/list.tsx", list("  return <Pages>{orders.map(label)}</Pages>;")),
          write("orders/logo.bin", "\0web"),
          write(HOSTILE, hostile("web")),
          write("orders/page.tsx", "export function Page() {\n  return null;\n}\n"),
          web.does,
        ],
      },
      {
        id: "web-login",
        description: "a login form",
        does: [
          write("login/form.tsx", "export const form = 1;\n"),
          write("README.md", "# Shop\n\nLog in first.\n"),
          login.does,
        ],
      },
      { id: "release", run: "true", deps: ["web-orders"] },
    ],
    {},
    { maxConcurrency: 3 },
  );
  await Promise.all([web.reached(), login.reached()]);
  await stage.step(run, "api-orders", "succeeded");
  await web.open();
  await stage.step(run, "web-orders", "needs-resolution");
  return { run, end: () => login.open() };
}
