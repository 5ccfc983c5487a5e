// Erasing a person everywhere, after showing what goes; and downloads of what the filters match.

import { useState } from "preact/hooks";
import { type Forms, get, type Page, post, query, type Submission } from "./api";
import { FilterFields, type Filters, parameters, Row } from "./inbox";
import { Action, confirm, explain, say, useLoad } from "./parts";
import { words } from "./words";

/** What stays in the CRMs. */
const records = ({ deliveries }: Submission) =>
  deliveries.flatMap(({ destination, record }) => (record ? `${destination}: ${words.record} ${record.id}` : [])).join(" · ");

function Person() {
  const [found, setFound] = useState<{ email: string; submissions: Submission[] }>();
  const [busy, setBusy] = useState(false);
  const find = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const email = (form.elements.namedItem("email") as HTMLInputElement).value.trim();
    setBusy(true);
    try {
      const submissions: Submission[] = [];
      let before: string | null = null;
      do {
        const page: Page = await get<Page>(`/api/person${query({ email, before })}`);
        submissions.push(...page.submissions);
        before = page.next;
        if (page.unreachable?.length) say(words.unreachable(page.unreachable.join(", ")));
      } while (before);
      setFound({ email, submissions });
    } catch (error) {
      say(explain(error));
    } finally {
      setBusy(false);
    }
  };
  const eraseAll = async ({ email, submissions }: NonNullable<typeof found>) => {
    const title = words.eraseTitle(submissions.length);
    if (!(await confirm({ title, text: words.eraseText, action: words.erase, kind: "danger" }))) return;
    let [sum, last] = [0, 1];
    const warnings = new Set<string>();
    // One request reaches only so many, and says so in a part of its note.
    while (last > 0) {
      const { erased, note } = await post<{ erased: number; note?: string }>("/api/erase", { email });
      last = erased;
      sum += erased;
      for (const part of note?.split("; ") ?? []) if (!part.includes("send the same again")) warnings.add(part);
    }
    setFound({ email, submissions: [] });
    return [words.erasedLeads(sum), ...warnings].join(" ");
  };
  return (
    <section class="card" aria-labelledby="person">
      <h2 id="person">{words.person}</h2>
      <p class="hint">{words.personText}</p>
      <form class="row" role="search" onSubmit={(event) => void find(event)}>
        <label>
          {words.email}
          <input name="email" type="email" required autocomplete="off" />
        </label>
        <button aria-busy={busy}>{words.find}</button>
      </form>
      <div role="status">
        {found && <p class="strong">{found.submissions.length ? words.found(found.submissions.length) : words.noPerson}</p>}
      </div>
      {found && found.submissions.length > 0 && (
        <>
          <ul class="list">
            {found.submissions.map((lead) => (
              <Row key={lead.id} lead={lead} note={records(lead)} />
            ))}
          </ul>
          <Action kind="danger" run={() => eraseAll(found)}>
            {words.erasePerson(found.submissions.length)}
          </Action>
        </>
      )}
      <h3>{words.beyond}</h3>
      <ul>
        <li>{words.beyondCrm}</li>
        <li>{words.beyondPitr}</li>
      </ul>
    </section>
  );
}

function Export() {
  const { data: forms } = useLoad<Forms>("/api/forms");
  const [filters, setFilters] = useState<Filters>({ form: "", state: "", destination: "", since: "", until: "", q: "" });
  const wanted = query(parameters(filters));
  return (
    <section class="card" aria-labelledby="export">
      <h2 id="export">{words.export}</h2>
      <p class="hint">{words.exportText}</p>
      <div class="filters">
        <label>
          {words.text}
          <input type="search" value={filters.q} onInput={(event) => setFilters({ ...filters, q: event.currentTarget.value })} />
        </label>
        <FilterFields filters={filters} forms={forms} onChange={(changed) => setFilters({ ...filters, ...changed })} />
      </div>
      <p class="row">
        <a class="button" href={`/api/submissions.csv${wanted}`} download>
          {words.csv}
        </a>
        <a class="button plain" href={`/api/submissions.ndjson${wanted}`} download>
          {words.ndjson}
        </a>
      </p>
    </section>
  );
}

export const People = () => (
  <>
    <h1>{words.people}</h1>
    <Person />
    <Export />
  </>
);
