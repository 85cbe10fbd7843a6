/** File responses: text of others, as a file to be kept or as plain text. Whatever is in it, a browser gives it no rights. */

/** To be kept as a file. */
export function fileResponse(text: string, type: string, name: string): Response {
  const headers = { "content-type": `${type}; charset=utf-8`, "content-security-policy": "sandbox" };
  return new Response(text, { headers: { ...headers, ...attachment(name) } });
}

/** The header by which a browser keeps an answer as a file of this name. */
export function attachment(name: string): Readonly<Record<string, string>> {
  return { "content-disposition": `attachment; filename="${name}"` };
}

export function textResponse(text: string, more: Readonly<Record<string, string>>): Response {
  return new Response(text, {
    headers: { "content-type": "text/plain; charset=utf-8", "content-security-policy": "sandbox", ...more },
  });
}
