use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// What a file gives, in one line: `A=b` for an entry, `?=b` for one without a good name,
/// `!3 NoEquals` for an issue. Values in Rust's escapes.
fn read(bytes: &[u8]) -> String {
    let parsed = match parse(bytes) {
        Ok(parsed) => parsed,
        Err(refused) => return format!("{refused:?}"),
    };
    let mut out = Vec::new();
    for entry in &parsed.entries {
        let name = entry.name.as_deref().unwrap_or("?");
        let value = entry.value.lend(|v| str::from_utf8(v).unwrap().escape_debug().to_string());
        out.push(format!("{}:{name}={value}", entry.line));
    }
    for issue in &parsed.issues {
        let mut text = format!("!{} {:?}", issue.line, issue.kind);
        if let Some(name) = &issue.name {
            write!(text, " {name}").unwrap();
        }
        out.push(text);
    }
    out.join(" | ")
}

/// The text and what is read, grouped by whether Node `dotenv` 18 and `python-dotenv` 1.2 read the
/// same (they were run on every text; of two assignments of one name they keep the last).
#[rustfmt::skip]
const CASES: &[(&str, &str)] = &[
    // All three agree.
    ("A=b", "1:A=b"),
    ("A = b", "1:A=b"),
    ("  A=b  ", "1:A=b"),
    ("\tA\t=\tb\t", "1:A=b"),
    ("A=", "1:A="),
    ("A=   ", "1:A="),
    ("A=''", "1:A="),
    ("A=\"\"", "1:A="),
    ("A=b #c", "1:A=b"),
    ("A=b\t#c", "1:A=b"),
    ("A=b # c # d", "1:A=b"),
    ("A='b' #c", "1:A=b"),
    ("A=\"b\"#c", "1:A=b"),
    ("A=\"b #c\"", "1:A=b #c"),
    ("A='b #c'", "1:A=b #c"),
    ("export A=b", "1:A=b"),
    ("export \t A=b", "1:A=b"),
    ("exportA=b", "1:exportA=b"),
    ("export=b", "1:export=b"),
    ("A='a\\nb'", "1:A=a\\\\nb"),
    ("A=\"a\\nb\"", "1:A=a\\nb"),
    ("A=\"a\\rb\"", "1:A=a\\rb"),
    ("A=\"a\\qb\"", "1:A=a\\\\qb"),
    ("A='a\nb'\nB=c", "1:A=a\\nb | 3:B=c"),
    ("A=\"a\nb\"\nB=c", "1:A=a\\nb | 3:B=c"),
    ("A=\"a\r\nb\"\r\nB=c", "1:A=a\\nb | 3:B=c"),
    ("A=a'b'c", "1:A=a\\'b\\'c"),
    ("A='it\"s'", "1:A=it\\\"s"),
    ("A=\"it's\"", "1:A=it\\'s"),
    ("A=b'", "1:A=b\\'"),
    ("A=a\\nb", "1:A=a\\\\nb"),
    ("A=${X}", "1:A=${X}"),
    ("A=\"${X}\"", "1:A=${X}"),
    ("A='$X'", "1:A=$X"),
    ("A=$(ls)", "1:A=$(ls)"),
    ("A=a=b=c", "1:A=a=b=c"),
    ("A==b", "1:A==b"),
    ("A=b  c", "1:A=b  c"),
    ("A=b;B=c", "1:A=b;B=c"),
    ("A=b \\\nB=c", "1:A=b \\\\ | 2:B=c"),
    ("A=b\rB=c", "1:A=b | 2:B=c"),
    ("A=b\r\nB=c\r\n", "1:A=b | 2:B=c"),
    ("A= 'b' ", "1:A=b"),
    ("A=ä €", "1:A=ä €"),
    ("A={\"k\": \"v\"}", "1:A={\\\"k\\\": \\\"v\\\"}"),
    ("A=postgres://u:p@h/d?x=1", "1:A=postgres://u:p@h/d?x=1"),
    ("# c\n\n   # A=b\nB=c", "4:B=c"),
    ("", ""),
    ("\n\r\n\r", ""),
    ("A=b\nA=c", "1:A=b | 2:A=c"),
    ("A=-----BEGIN X-----YWI=-----END X-----\nB=c", "1:A=-----BEGIN X-----YWI=-----END X----- | 2:B=c"),
    ("A='\\'", "1:A=\\\\"),
    // Only `python-dotenv` agrees.
    ("A=b#c", "1:A=b#c"),
    ("A=#c", "1:A=#c"),
    ("A=\"a\\tb\"", "1:A=a\\tb"),
    ("A=\"a\\\\nb\"", "1:A=a\\\\nb"),
    ("A=\"a\\\"b\"", "1:A=a\\\"b"),
    ("A=\"\\\\\"", "1:A=\\\\"),
    // Only Node `dotenv` agrees.
    ("A= #c", "1:A="),
    ("A=`b`", "1:A=b"),
    ("\u{feff}A=b", "1:A=b"),
    ("A=`a'\"\nb`", "1:A=a\\'\\\"\\nb"),
    // Neither does.
    ("A=\"a\\$b\"", "1:A=a$b"),
    ("A=-----BEGIN X-----\nYWI=\n-----END X-----\nB=c", "1:A=-----BEGIN X-----\\nYWI=\\n-----END X----- | 4:B=c"),
    // What is reported instead of guessed.
    ("A", "!1 NoEquals"),
    ("export A", "!1 NoEquals"),
    ("A: b", "!1 NoEquals"),
    ("A #b=c", "!1 NoEquals"),
    ("=b", "1:?=b | !1 BadName"),
    ("A.B=c", "1:?=c | !1 BadName A.B"),
    ("A-B=c", "1:?=c | !1 BadName A-B"),
    ("1A=b", "1:?=b | !1 BadName 1A"),
    ("Ä=b", "1:?=b | !1 BadName Ä"),
    ("A B=c", "1:?=c | !1 BadName"),
    ("'A'=b", "1:?=b | !1 BadName"),
    ("A: x=b", "1:?=b | !1 BadName"),
    ("MIIE+/x=", "1:?= | !1 BadName"),
    ("A\u{202e}=b", "1:?=b | !1 BadName"),
    ("A='b'x\nB=c", "2:B=c | !1 UnterminatedQuote A"),
    ("A=\"b\" y\nB=c", "2:B=c | !1 UnterminatedQuote A"),
    ("A='it\\'s'\nB=c", "2:B=c | !1 UnterminatedQuote A"),
    ("A=\"b\nB=c\n", "2:B=c | !1 UnterminatedQuote A"),
    ("A=\"b\nB=\"c\"\nC=d", "2:B=c | 3:C=d | !1 UnterminatedQuote A"),
    ("A=\"b\\", "!1 UnterminatedQuote A"),
    ("A=`b\nB='c'", "2:B=c | !1 UnterminatedQuote A"),
    ("A=-----BEGIN X-----\nYWI=\nB=c", "2:YWI= | 3:B=c | !1 UnterminatedQuote A"),
    // What is no `.env` file.
    ("A=b\0", "NotAnEnvFile"),
];

#[test]
fn the_table_of_cases_reads_as_written() {
    for (text, expected) in CASES {
        assert_eq!(read(text.as_bytes()), *expected, "{text:?}");
    }
}

#[test]
fn utf16_with_its_mark_is_read_and_everything_else_binary_is_refused() {
    let text = "A='ä€😀'\r\nB=c\r\n";
    let units = || text.encode_utf16();
    let little: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(units().flat_map(u16::to_be_bytes)).collect();
    assert_eq!(read(&little), "1:A=ä€😀 | 2:B=c");
    assert_eq!(read(&big), "1:A=ä€😀 | 2:B=c");
    assert_eq!(read(&little[2..]), "NotAnEnvFile", "without its mark");
    assert_eq!(read(&little[..little.len() - 1]), "NotAnEnvFile", "odd length");
    assert_eq!(read(&[0xff, 0xfe, 0x00, 0xd8]), "NotAnEnvFile", "half a pair");
    assert_eq!(read(b"\x89PNG\r\n\x1a\n\xde\xad\xbe\xef"), "NotAnEnvFile");
}

#[test]
fn a_line_in_another_encoding_is_named_and_the_others_are_read() {
    assert_eq!(
        read(b"A=Gr\xfcn\nB=c\n# \xfc\n\xfc=d\nE=f\nG=h"),
        "2:B=c | 5:E=f | 6:G=h | !1 NotText A | !4 NotText"
    );
}

#[test]
fn values_files_and_counts_have_caps() {
    let long = |n: usize| format!("A={}\nB=c", "x".repeat(n));
    assert!(read(long(MAX_VALUE).as_bytes()).starts_with("1:A=xxx"));
    assert_eq!(read(long(MAX_VALUE + 1).as_bytes()), "2:B=c | !1 TooLong A");
    assert_eq!(read(long(3 * MAX_VALUE).as_bytes()), "2:B=c | !1 TooLong A");
    let escaped = format!("A=\"{}\"", "\\n".repeat(MAX_VALUE));
    assert!(read(escaped.as_bytes()).starts_with("1:A=\\n"));

    let many = |n: usize| "A=b\n".repeat(n);
    assert_eq!(parse(many(MAX_ENTRIES).as_bytes()).unwrap().entries.len(), MAX_ENTRIES);
    assert_eq!(read(many(MAX_ENTRIES + 1).as_bytes()), "TooManyEntries");
    assert_eq!(read("a\n".repeat(MAX_ENTRIES + 1).as_bytes()), "NotAnEnvFile");
    assert_eq!(read(&vec![b'#'; MAX_FILE]), "");
    assert_eq!(read(&vec![b'#'; MAX_FILE + 1]), "FileTooLong");
}

#[test]
fn a_bad_name_comes_with_a_good_one() {
    let parsed = parse(b"my-app.key=x\nA B=c").unwrap();
    assert_eq!(parsed.issues[0].suggestion.as_deref(), Some("my_app_key"));
    assert!(parsed.issues[0].can_rename() && !parsed.issues[0].can_choose());
    assert_eq!(parsed.issues[1].suggestion, None, "it is not shown either");
}

#[test]
fn a_mebibyte_of_anything_is_read_in_linear_time() {
    let mebibyte = 1024 * 1024;
    for piece in [
        "\"",
        "'",
        "`",
        "A='\n",
        "A=\"\n",
        "A=`\n",
        "A=\"\\\"\n",
        "A='`\"\n",
        "A=\"x\n'y\n`z\n",
        "A=\"\nB='\nC=`\n",
        "A=' \" ` x\nB=\" ' ` x\n",
        "A=-----BEGIN X\n",
        "-----BEGIN X\n",
        "A=-----BEGIN X\n-----END\n",
        "\\",
        "=",
        "\r",
        "A=\"\\",
        " ",
        "A=# #",
        "\n\"=\"",
    ] {
        let text = piece.repeat(mebibyte / piece.len());
        let started = Instant::now();
        let _ = parse(text.as_bytes());
        let took = started.elapsed();
        // A quadratic reader needs minutes; unoptimised and on a busy machine, this needs 50 ms.
        assert!(took < Duration::from_secs(5), "{piece:?} took {took:?}");
    }
}

#[test]
fn the_writer_quotes_only_where_it_must() {
    let written = |value: &str| {
        let value = SecretBytes::copy_of(value.as_bytes());
        let file = to_dotenv(&[("A", &value)]).unwrap();
        file.lend(|f| str::from_utf8(f).unwrap().to_owned())
    };
    assert_eq!(written("https://h:1/p?q=1"), "A='https://h:1/p?q=1'\n");
    assert_eq!(written("user@h:1/x"), "A=user@h:1/x\n");
    assert_eq!(written(""), "A=\n");
    assert_eq!(written("a b"), "A='a b'\n");
    assert_eq!(written("a\nb"), "A='a\nb'\n");
    assert_eq!(written("a'$\"\\\r\n"), "A=\"a'\\$\\\"\\\\\\r\\n\"\n");
}

#[test]
fn what_a_file_cannot_hold_is_not_written() {
    let good = SecretBytes::copy_of(b"x");
    let refuse =
        |value: &[u8]| to_dotenv(&[("A", &good), ("B", &SecretBytes::copy_of(value))]).unwrap_err();
    assert_eq!(refuse(b"a\0"), WriteError::Value(1));
    assert_eq!(refuse(b"\xff"), WriteError::Value(1));
    assert_eq!(refuse(&vec![b'x'; MAX_VALUE + 1]), WriteError::Value(1));
    assert_eq!(to_dotenv(&[("A B", &good)]).unwrap_err(), WriteError::Name(0));
    assert_eq!(to_dotenv(&[(" A", &good)]).unwrap_err(), WriteError::Name(0));
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ab \t\r\n'\"`#=\\\\$n-]{0,12}",
        "(-----BEGIN X-----\n?|-----END X-----|YQ==\n){0,4}",
    ]
    .prop_map(|text| text.replace('\0', ""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_written_reads_back(
        entries in prop::collection::vec(("[A-Za-z_][A-Za-z0-9_]{0,8}", any_value()), 0..8)
    ) {
        let values: Vec<SecretBytes> = entries.iter().map(|e| SecretBytes::copy_of(e.1.as_bytes())).collect();
        let list: Vec<(&str, &SecretBytes)> = entries.iter().map(|e| e.0.as_str()).zip(&values).collect();
        let parsed = to_dotenv(&list).unwrap().lend(parse).unwrap();
        let back: Vec<(String, String)> = parsed.entries.into_iter().map(|e| {
            let value = e.value.lend(|v| String::from_utf8(v.to_vec()).unwrap());
            (e.name.unwrap(), value)
        }).collect();
        prop_assert!(parsed.issues.is_empty());
        prop_assert_eq!(back, entries);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn lines_rise_and_issues_hold_no_value(
        text in "(A|B|1C|D-E|export F| |#|=|'|\"|`|\\\\|\n|\r\n|\r|s3/cret|-----BEGIN X-----){0,40}"
    ) {
        let Ok(parsed) = parse(text.as_bytes()) else { return Ok(()) };
        prop_assert!(parsed.entries.is_sorted_by(|a, b| a.line < b.line));
        prop_assert!(parsed.issues.is_sorted_by(|a, b| a.line <= b.line));
        let lines = u32::try_from(text.replace("\r\n", "\n").replace('\r', "\n").split('\n').count()).unwrap();
        prop_assert!(parsed.entries.iter().all(|e| e.line >= 1 && e.line <= lines));
        let shown = format!("{parsed:?}");
        prop_assert!(!shown.contains("s3/cret"), "{}", shown);
    }
}
