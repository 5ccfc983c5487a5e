// The sign-in page, and what to do when no token is set.

import { useState } from "preact/hooks";
import { ApiError, post } from "./api";
import { Code, explain } from "./parts";
import { language, switchLanguage, words } from "./words";

export function Login({ onDone, isClosed }: { onDone: () => void; isClosed?: boolean }) {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("token") as HTMLInputElement;
    setBusy(true);
    try {
      await post("/console/session", { token: field.value.trim() });
      onDone();
    } catch (error) {
      const status = error instanceof ApiError ? error.status : -1;
      setWrong(status === 401 ? words.wrongToken : status === 429 ? words.tooMany : explain(error));
      field.select();
      field.focus();
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <div class="card">
        <p class="brand">formcourier</p>
        {isClosed ? (
          <>
            <h1>{words.closed}</h1>
            <p>{words.closedText}</p>
            <Code label={words.closed}>npx wrangler secret put ADMIN_TOKEN</Code>
          </>
        ) : (
          <form onSubmit={(event) => void submit(event)}>
            <h1>{words.signIn}</h1>
            <label for="token">{words.token}</label>
            <input
              id="token"
              name="token"
              type="password"
              autocomplete="current-password"
              required
              autofocus
              aria-invalid={wrong ? true : undefined}
              aria-describedby={wrong ? "wrong hint" : "hint"}
            />
            {wrong && (
              <p class="wrong" id="wrong" role="alert">
                {wrong}
              </p>
            )}
            <p class="hint" id="hint">
              {words.tokenHint}
            </p>
            <button aria-busy={busy}>{words.signIn}</button>
          </form>
        )}
        <button type="button" class="quiet" lang={language === "ko" ? "en" : "ko"} onClick={switchLanguage}>
          {words.otherLanguage}
        </button>
      </div>
    </main>
  );
}
