/** Entry of the pages: logs in by the address, then shows what the address names. */
import { StrictMode, useCallback, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { CSPProvider } from "@base-ui/react/csp-provider";
import { RouterProvider } from "@tanstack/react-router";
import { Login } from "./app/login.tsx";
import { listenForKeys } from "./app/keys.ts";
import { createPageRouter } from "./app/router.tsx";
import { login, storedSession, takeLoginCode, type Session } from "./app/session.ts";
import { keepTheme } from "./app/theme.ts";
import { connectPage, HeddleProvider, type Heddle } from "./store/heddle.tsx";
import "./ui/tokens.css";
import "./ui/base.css";

// Before anything is fetched: the code is in the address.
const code = takeLoginCode();
keepTheme();
listenForKeys();
const router = createPageRouter();

let refused: unknown;
async function firstSession(): Promise<Session | undefined> {
  if (code === undefined) return storedSession(Date.now());
  try {
    return await login(code);
  } catch (thrown) {
    refused = thrown;
    // A link that was used already: the session that it gave may be there.
    return storedSession(Date.now());
  }
}

function Page({ first }: { readonly first: Heddle | undefined }): ReactNode {
  const [heddle, setHeddle] = useState(first);
  const logOut = useCallback(() => setHeddle(undefined), []);
  if (heddle === undefined) return <Login refused={refused} onSession={(session) => setHeddle(connectPage(session))} />;
  return (
    <HeddleProvider heddle={heddle} onLoggedOut={logOut}>
      <RouterProvider router={router} />
    </HeddleProvider>
  );
}

const place = document.getElementById("page");
if (place === null) throw new Error("BUG: the page has no place for its content");
const session = await firstSession();
createRoot(place).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <Page first={session === undefined ? undefined : connectPage(session)} />
    </CSPProvider>
  </StrictMode>,
);
