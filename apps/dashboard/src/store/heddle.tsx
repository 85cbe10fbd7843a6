/** Connection of the page: one client and one live connection for the session, for all components. */
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore, type ReactNode } from "react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { ApiProblem, connect, type HeddleClient, type LiveConnection, type LiveState } from "heddle/client";
import { forgetSession, type Session } from "../app/session.ts";

export interface Heddle {
  readonly client: HeddleClient;
  readonly live: LiveConnection;
  readonly session: Session;
}

const Connected = createContext<Heddle | undefined>(undefined);

export function connectPage(session: Session): Heddle {
  const client = connect({ url: location.origin, token: session.token });
  return { client, live: client.live(), session };
}

/** `onLoggedOut`: the server knows the session no more. */
export function HeddleProvider({
  heddle,
  onLoggedOut,
  children,
}: {
  readonly heddle: Heddle;
  readonly onLoggedOut: () => void;
  readonly children: ReactNode;
}): ReactNode {
  useEffect(() => {
    const wake = (): void => heddle.live.wake();
    addEventListener("online", wake);
    // The first page that has its server again tells the others of this browser: those in the background look seldom by themselves.
    const others = new BroadcastChannel("heddle.live");
    others.addEventListener("message", wake);
    let wasLive = false;
    const off = heddle.live.onState(() => {
      const { kind } = heddle.live.state;
      if (kind === "refused") loggedOut(heddle, onLoggedOut);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel of this origin alone
      if (kind === "live" && !wasLive) others.postMessage("live");
      wasLive = kind === "live";
    });
    return () => {
      removeEventListener("online", wake);
      others.close();
      off();
    };
  }, [heddle, onLoggedOut]);
  // Of this session alone: what one was shown is not for the next.
  const queries = useMemo(() => queryClient(() => loggedOut(heddle, onLoggedOut)), [heddle, onLoggedOut]);
  return (
    <Connected value={heddle}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </Connected>
  );
}

export function useHeddle(): Heddle {
  const heddle = useContext(Connected);
  if (heddle === undefined) throw new Error("BUG: shown without a connection");
  return heddle;
}

/** Whether what is shown is up to date. */
export function useLiveState(): LiveState {
  const { live } = useHeddle();
  return useSyncExternalStore(
    (changed) => live.onState(changed),
    () => live.state,
  );
}

/** Why nothing can be asked of the server now; `undefined`: it can. */
export function useCannotAct(): string | undefined {
  const { session } = useHeddle();
  const { kind } = useLiveState();
  if (session.authority !== "act") return "This session may only look: `heddle open` gives a link that may act";
  return kind === "offline" ? "The server cannot be reached: what is shown is as it was last" : undefined;
}

function loggedOut({ session }: Heddle, onLoggedOut: () => void): void {
  forgetSession(session.token);
  onLoggedOut();
}

/** What it knows outlives the views. */
function queryClient(onLoggedOut: () => void): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // What passes is asked again; a refusal stays one.
        retry: (failures, thrown) => {
          if (!(thrown instanceof ApiProblem)) return false;
          if (thrown.status === 401) onLoggedOut();
          return failures < 3 && (thrown.code === "unreachable" || thrown.status === 503);
        },
        refetchOnWindowFocus: false,
        staleTime: 5000,
      },
    },
  });
}
