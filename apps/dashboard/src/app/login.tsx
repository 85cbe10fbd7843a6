/** Login page: how to get in, and a place for a pasted link. */
import { useState, type FormEvent, type ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { codeIn, login, type Session } from "./session.ts";
import "./login.css";

export interface LoginProps {
  /** Why a link did not work. */
  readonly refused?: unknown;
  readonly onSession: (session: Session) => void;
}

export function Login({ refused, onSession }: LoginProps): ReactNode {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<unknown>(refused);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const code = codeIn(text);
    if (code === undefined) return setProblem(new Error("This is no login link and no code"));
    login(code).then(onSession, setProblem);
  };
  return (
    <main className="login">
      <h1>heddle</h1>
      <p>This page needs a login link. Type this in a terminal; the link works once, for a minute:</p>
      <pre className="login-command">heddle open</pre>
      <form onSubmit={submit}>
        <label htmlFor="code">Or paste the link, or its code</label>
        <div className="login-row">
          <input
            id="code"
            type="text"
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Button type="submit" kind="primary">
            Log in
          </Button>
        </div>
        {problem === undefined ? null : <InlineProblem thrown={problem} />}
      </form>
    </main>
  );
}
