/** File names of ids: different ids give different names, also on file systems that ignore case. Knows no folder. */

/** Longer names are cut and closed by a hash: file systems hold 255 bytes, the attempt and the ending need some. */
const LONGEST = 150;

/**
 * Lower-case letters, digits, `-`, `_` and inner dots stay; an upper-case letter becomes `+` and its small form, all other
 * bytes `%xx`. A leading dot is encoded: no hidden files, no `..`.
 */
export function fileNameOf(id: string): string {
  if (/^[a-z0-9_-][a-z0-9_.-]*$/.test(id) && id.length <= LONGEST) return id;
  let name = "";
  for (const [index, byte] of Buffer.from(id, "utf8").entries()) {
    const character = String.fromCharCode(byte);
    if (/[a-z0-9_-]/.test(character) || (character === "." && index > 0)) name += character;
    else if (/[A-Z]/.test(character)) name += `+${character.toLowerCase()}`;
    else name += `%${byte.toString(16).padStart(2, "0")}`;
  }
  if (name === "") return "%";
  if (name.length <= LONGEST) return name;
  // `~` comes up in no other name, so that no id can pose as a cut one.
  // Loaded for the rare name that needs it: a start would feel the 5 ms.
  const { hash } = process.getBuiltinModule("node:crypto");
  return `${name.slice(0, LONGEST - 65)}~${hash("sha256", id)}`;
}
