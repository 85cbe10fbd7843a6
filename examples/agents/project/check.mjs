/** What every merged commit must pass: all modules load, and the menu names what is there. */
import { existsSync, readdirSync } from "node:fs";

const modules = readdirSync("src").filter((name) => name.endsWith(".mjs"));
for (const name of modules) await import(new URL(`./src/${name}`, import.meta.url));
const { menu } = await import(new URL("./src/menu.mjs", import.meta.url));
for (const name of ["catalogue", "cart"]) {
  if (existsSync(`src/${name}.mjs`) && !menu.includes(name)) {
    console.error(`src/${name}.mjs is there, and the menu does not name it`);
    process.exitCode = 1;
  }
}
console.log(`${modules.length} modules, menu: ${menu.join(", ")}`);
