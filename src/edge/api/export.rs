//! `GET /api/submissions.csv` and `.ndjson`: everything that a filter matches, streamed part by part.
//!
//! Should a part not be found, the stream breaks off, so that the client sees that the file is incomplete.

use std::fmt::Write as _;

use futures_util::stream::unfold;
use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::{Env, ResponseBuilder, web_sys};

use crate::domain::text;
use crate::intake::Reply;
use crate::outbox::query::Filter;

use super::call::Call;
use super::query::Asked;
use super::reach::{Merged, Reach};
use crate::edge::answer::{headers, unreachable};

/// Submissions of one part.
const PART: usize = 1000;

/// The most columns of fields; the others share the last one.
const COLUMNS: usize = 100;

/// The columns of every submission, before and after its fields.
const BEFORE: &[&str] = &["id", "form", "received_at"];
const AFTER: &[&str] = &["other_fields", "page", "country", "locale", "reasons", "deliveries", "records"];

/// Excel reads UTF-8 as such only behind this mark.
const BOM: &str = "\u{feff}";

/// An export under way.
struct Export {
    env: Env,
    reach: Reach,
    filter: Filter,
    /// The part that was read last.
    part: Option<Merged>,
    /// The names of the fields that have a column.
    columns: Vec<String>,
}

impl Export {
    async fn begin(call: &Call<'_>) -> Result<Self, Reply> {
        let asked = Asked::of(call.visit);
        let filter = asked.filter()?;
        let reach = Reach::known(call.env, asked.form.as_deref()).await?;
        let mut export = Self { env: call.env.clone(), reach, filter, part: None, columns: Vec::new() };
        export.part = Some(export.read(None).await.map_err(|_| unreachable())?);
        for (name, _) in export.part.iter().flat_map(|part| &part.submissions).flat_map(fields) {
            if export.columns.len() < COLUMNS && !export.columns.iter().any(|column| column == name) {
                export.columns.push(name.to_owned());
            }
        }
        Ok(export)
    }

    async fn read(&mut self, before: Option<&str>) -> worker::Result<Merged> {
        let part = self.reach.list(&self.env, &self.filter, before, PART).await;
        if self.reach.unreachable.is_empty() {
            Ok(part)
        } else {
            Err(worker::Error::RustError(format!("{} does not answer", self.reach.unreachable.join(", "))))
        }
    }

    /// Streams every part, `head` first.
    fn stream(
        self,
        content_type: &str,
        name: &str,
        head: String,
        row: fn(&Self, &Value) -> String,
    ) -> worker::Result<JsValue> {
        let mut builder = ResponseBuilder::new();
        for (name, value) in headers(content_type) {
            builder = builder.with_header(name, &value)?;
        }
        builder = builder.with_header("Content-Disposition", &format!("attachment; filename=\"{name}\""))?;
        let parts = unfold((Some(self), head), move |(export, mut text)| async move {
            let mut export = export?;
            let Some(part) = export.part.take() else {
                return Some((
                    Err(worker::Error::RustError("the storage does not answer".to_owned())),
                    (None, String::new()),
                ));
            };
            for submission in &part.submissions {
                text.push_str(&row(&export, submission));
            }
            let Some(next) = part.next else { return Some((Ok(text.into_bytes()), (None, String::new()))) };
            export.part = export.read(Some(&next)).await.ok();
            Some((Ok(text.into_bytes()), (Some(export), String::new())))
        });
        Ok(web_sys::Response::from(builder.from_stream(parts)?).into())
    }
}

/// `GET /api/submissions.csv`.
pub async fn csv(call: &Call<'_>) -> Result<JsValue, Reply> {
    let export = Export::begin(call).await?;
    let names = BEFORE.iter().copied().chain(export.columns.iter().map(String::as_str)).chain(AFTER.iter().copied());
    let head = format!("{BOM}{}", line(names));
    let row = |export: &Export, submission: &Value| row(&export.columns, submission);
    export.stream("text/csv; charset=utf-8", "submissions.csv", head, row).map_err(|_| unreachable())
}

/// `GET /api/submissions.ndjson`.
pub async fn ndjson(call: &Call<'_>) -> Result<JsValue, Reply> {
    let export = Export::begin(call).await?;
    let row = |_: &Export, submission: &Value| json_line(submission);
    export.stream("application/x-ndjson", "submissions.ndjson", String::new(), row).map_err(|_| unreachable())
}

/// The names and values of a submission.
fn fields(submission: &Value) -> impl Iterator<Item = (&str, &str)> {
    let pairs = submission["fields"].as_array().into_iter().flatten();
    pairs.filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)))
}

fn row(columns: &[String], submission: &Value) -> String {
    let text = |name: &str| submission[name].as_str().unwrap_or_default().to_owned();
    let mut cells: Vec<String> = BEFORE.iter().map(|name| text(name)).collect();
    cells.extend(columns.iter().map(|column| {
        let values = fields(submission).filter(|(name, _)| name == column).map(|(_, value)| value);
        values.collect::<Vec<_>>().join("\n")
    }));
    let others = fields(submission).filter(|(name, _)| !columns.iter().any(|column| column == name));
    cells.push(others.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n"));
    cells.extend(["page", "country", "locale"].map(text));
    let reasons = submission["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str);
    cells.push(reasons.collect::<Vec<_>>().join(", "));
    let of_each = |member: fn(&Value) -> &Value| {
        let deliveries = submission["deliveries"].as_array().into_iter().flatten();
        let each = deliveries.filter_map(|delivery| {
            Some(format!("{}: {}", delivery["destination"].as_str()?, member(delivery).as_str()?))
        });
        each.collect::<Vec<_>>().join("\n")
    };
    cells.push(of_each(|delivery| &delivery["state"]));
    cells.push(of_each(|delivery| &delivery["record"]["id"]));
    line(cells.iter().map(String::as_str))
}

/// A line of NDJSON, which a terminal shows as it is.
fn json_line(submission: &Value) -> String {
    format!("{}\n", text::escape_controls(&submission.to_string()))
}

/// A line of RFC 4180.
fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for cell in cells {
        if !line.is_empty() {
            line.push(',');
        }
        let _ = write!(line, "\"{}\"", defused(cell).replace('"', "\"\""));
    }
    line.push_str("\r\n");
    line
}

/// A spreadsheet takes what begins with one of these for a formula: <https://owasp.org/www-community/attacks/CSV_Injection>.
fn defused(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_no_controls_that_a_terminal_obeys() {
        let submission = serde_json::json!({ "fields": [["message", "a\u{9b}31mb\n\u{7f}"]] });
        let line = json_line(&submission);
        assert_eq!(line, "{\"fields\":[[\"message\",\"a\\u009b31mb\\n\\u007f\"]]}\n");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), submission);
    }

    #[test]
    fn cells_are_texts_for_every_spreadsheet() {
        let cells = [
            "=1+1",
            "+82",
            "-1",
            "@x",
            "\tx",
            "\rx",
            "\nx",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "a=b",
            "say \"hi\"",
            "a,b\r\nc",
            "",
            "'x",
            "\u{202e}x",
        ];
        let expected = "\"'=1+1\",\"'+82\",\"'-1\",\"'@x\",\"'\tx\",\"'\rx\",\"'\nx\",\"'＝1\",\"'＋1\",\"'－1\",\"'＠x\",\"a=b\",\"say \"\"hi\"\"\",\"a,b\r\nc\",\"\",\"'x\",\
                        \"\u{202e}x\"\r\n";
        assert_eq!(line(cells.into_iter()), expected);
    }
}
