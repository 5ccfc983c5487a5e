// The console: who is signed in, the frame around every page, and which page the address names.

import "./app.css";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call, get, type Session, session } from "./api";
import { Inbox } from "./inbox";
import { Lead } from "./lead";
import { Login } from "./login";
import { Overview } from "./overview";
import { Dialog, Empty, Notices, Waiting } from "./parts";
import { People } from "./people";
import { Form, Forms } from "./forms";
import { type Route, to, useRoute } from "./route";
import { language, switchLanguage, words } from "./words";

const PAGES: [path: string, title: string][] = [
  ["", words.overview],
  ["inbox", words.inbox],
  ["forms", words.forms],
  ["people", words.people],
];

function Page({ path, filters }: Route) {
  const [page = "", first, second] = path;
  if (page === "" && path.length === 0) return <Overview />;
  if (page === "inbox" && !first) return <Inbox filters={filters} />;
  if (page === "lead" && first && second) return <Lead key={second} form={first} id={second} />;
  if (page === "forms") return first ? <Form key={first} name={first} /> : <Forms />;
  if (page === "people" && !first) return <People />;
  return (
    <Empty title={words.notFound}>
      <a class="button" href={to([])}>
        {words.toOverview}
      </a>
    </Empty>
  );
}

function Console({ who, onSignOut }: { who: Session; onSignOut: () => void }) {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const current = route.path[0] === "lead" ? "inbox" : (route.path[0] ?? "");
  const address = route.path.join("/");
  useEffect(() => {
    document.title = `${PAGES.find(([path]) => path === current)?.[1] ?? ""} · formcourier`;
    // A screen reader goes on where the new page begins.
    if (!isFirst.current) {
      main.current?.focus();
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [address]);
  return (
    <>
      <a
        class="skip"
        href={location.hash || "#/"}
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {words.skip}
      </a>
      <header>
        <p class="brand">formcourier</p>
        <nav aria-label={words.menu}>
          {PAGES.map(([path, title]) => (
            <a key={path} href={to(path ? [path] : [])} aria-current={path === current ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <p class="who">
          <button type="button" class="quiet" lang={language === "ko" ? "en" : "ko"} onClick={switchLanguage}>
            {words.otherLanguage}
          </button>
          {who.by === "session" ? (
            <button type="button" class="quiet" onClick={onSignOut}>
              {words.signOut}
            </button>
          ) : (
            <span class="hint" title={words.signedInAs(who.actor)}>
              {who.actor}
            </span>
          )}
        </p>
      </header>
      <main ref={main} tabIndex={-1}>
        <Page {...route} />
      </main>
      <Dialog />
    </>
  );
}

function App() {
  // `null` is nobody; an error is a Worker that does not answer, or a console that is closed.
  const [who, setWho] = useState<Session | null | ApiError>();
  const load = () => {
    setWho(undefined);
    get<Session>("/console/session").then(setWho, (error: ApiError) => setWho(error.status === 401 ? null : error));
  };
  useEffect(() => {
    session.ended = () => setWho(null);
    document.documentElement.lang = language;
    load();
  }, []);
  const signOut = () => void call("DELETE", "/console/session").finally(() => setWho(null));
  return (
    <>
      {who && !(who instanceof ApiError) ? (
        <Console who={who} onSignOut={signOut} />
      ) : who === null ? (
        <Login onDone={load} />
      ) : who?.status === 404 ? (
        <Login onDone={load} isClosed />
      ) : (
        <main>
          <Waiting error={who} retry={load} />
        </main>
      )}
      <Notices />
    </>
  );
}

render(<App />, document.getElementById("app")!);
