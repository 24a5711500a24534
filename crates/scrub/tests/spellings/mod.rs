//! Credentials of many shapes, and every way in which an answer may spell them: written apart from
//! the code under test, by encoders that know nothing of it.

use std::collections::HashSet;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// A small generator of numbers (`SplitMix64`): the same numbers on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 1).map_or(0, |number| number % end.max(1))
    }

    pub(crate) fn one<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }
}

/// Credentials as providers make them, and some that nobody should have made.
pub(crate) fn secrets() -> Vec<Vec<u8>> {
    let mut dice = Dice(7);
    let mut binary: Vec<u8> = (0..32).map(|_| dice.next().to_le_bytes()[0]).collect();
    binary[0] = 0xff;
    vec![
        format!("sk-proj-{}", dice.text(48)).into_bytes(),
        format!("sk-ant-api03-{}_{}-AA", dice.text(60), dice.text(30)).into_bytes(),
        format!("ghp_{}", dice.text(36)).into_bytes(),
        b"wJalrXUtnFEMI/K7MDENG+bPxRfiCY/EXAMPLEKEY==".to_vec(),
        b"123456789:AAF-x_Y7mN0pQrStUvWxYz0123456789abc".to_vec(),
        "pä\"ss/w\\ord & <x> 100%+ más 'y' ünd".as_bytes().to_vec(),
        "correct horse battery staple".as_bytes().to_vec(),
        b"pA55-w0r".to_vec(),
        b"short/k3y+=".to_vec(),
        b"twelve-bytes".to_vec(),
        "ключ-от-сейфа-№42🔑".as_bytes().to_vec(),
        binary,
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n{}\n{}/+==\n-----END PRIVATE KEY-----\n",
            dice.text(64),
            dice.text(64),
            dice.text(40)
        )
        .into_bytes(),
        br"odd%41%2c\u0041&amp;\n-tail-of-it".to_vec(),
        dice.text(3000).into_bytes(),
    ]
}

/// The fake token of the credential with this index.
pub(crate) fn fake(index: usize) -> String {
    match index {
        1 => "sk-ant-api03-srf_anthropic_Zq4Zq4Zq4Zq4Zq4Zq4Zq4Zq4Zq4Zq4Zq4Zq4Zq4".to_owned(),
        other => format!("srf_p{other}_QvQvQvQvQvQvQvQvQvQvQvQvQvQvQvQvQvQvQvQvQvQ"),
    }
}

/// The names of the spellings, in the order of [`spell`].
pub(crate) const SPELLINGS: &[&str] = &[
    "raw",
    "base64",
    "base64 without padding",
    "base64 for URLs",
    "base64 for URLs without padding",
    "base64 of more",
    "base64 for URLs of more",
    "hex",
    "hex in capitals",
    "hex of both cases",
    "percent, every byte",
    "percent in small letters",
    "percent where needed",
    "percent here and there",
    "form",
    "JSON",
    "JSON, every character",
    "JSON here and there",
    "HTML by name",
    "HTML decimal",
    "HTML hexadecimal",
    "HTML here and there",
    "UTF-16LE",
    "UTF-16BE",
    "percent in JSON",
    "JSON in JSON",
    "percent twice",
    "JSON in percent",
    "HTML of JSON",
    "base64 in JSON",
    "base64 in percent",
    "base64 of base64",
    "base64 of JSON",
    "base64 of percent",
    "JavaScript",
    "a part",
    "a part of base64",
];

/// The credential in the spelling of this index; `None` if it has none (bytes that are no text).
pub(crate) fn spell(which: usize, secret: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let text = || str::from_utf8(secret).ok();
    Some(match SPELLINGS[which] {
        "raw" => secret.to_vec(),
        "base64" => BASE64.encode(secret).into_bytes(),
        "base64 without padding" => BASE64_NOPAD.encode(secret).into_bytes(),
        "base64 for URLs" => BASE64URL.encode(secret).into_bytes(),
        "base64 for URLs without padding" => BASE64URL_NOPAD.encode(secret).into_bytes(),
        "base64 of more" => BASE64.encode(&amid(secret, dice)).into_bytes(),
        "base64 for URLs of more" => BASE64URL_NOPAD.encode(&amid(secret, dice)).into_bytes(),
        "hex" => HEXLOWER.encode(secret).into_bytes(),
        "hex in capitals" => HEXUPPER.encode(secret).into_bytes(),
        "hex of both cases" => {
            let either = |c: char| if dice.chance(50) { c.to_ascii_uppercase() } else { c };
            HEXLOWER.encode(secret).chars().map(either).collect::<String>().into_bytes()
        }
        "percent, every byte" => percent(secret, |_| true, true),
        "percent in small letters" => percent(secret, |_| true, false),
        "percent where needed" => percent(secret, reserved, true),
        "percent here and there" => percent_somewhere(secret, dice),
        "form" => {
            let spelled = percent(secret, |b| b != b' ' && (reserved(b) || dice.chance(20)), true);
            spelled.into_iter().map(|b| if b == b' ' { b'+' } else { b }).collect()
        }
        "JSON" => json(text()?, |_| false, dice),
        "JSON, every character" => json(text()?, |_| true, dice),
        "JSON here and there" => json_somewhere(text()?, dice),
        "HTML by name" => html(text()?, 0, |c| !c.is_ascii_alphanumeric()),
        "HTML decimal" => html(text()?, 1, |_| true),
        "HTML hexadecimal" => html(text()?, 2, |_| true),
        "HTML here and there" => {
            let how = dice.below(3);
            html(text()?, how, |c| "<>&\"'".contains(c) || dice.chance(30))
        }
        "UTF-16LE" => text()?.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => text()?.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "percent in JSON" => {
            json_somewhere(str::from_utf8(&percent_somewhere(secret, dice)).ok()?, dice)
        }
        "JSON in JSON" => {
            json_somewhere(str::from_utf8(&json_somewhere(text()?, dice)).ok()?, dice)
        }
        "percent twice" => percent_somewhere(&percent_somewhere(secret, dice), dice),
        "JSON in percent" => percent(&json_somewhere(text()?, dice), reserved, true),
        "HTML of JSON" => {
            html(str::from_utf8(&json_somewhere(text()?, dice)).ok()?, 0, |c| "<>&\"'".contains(c))
        }
        "base64 in JSON" => json_somewhere(&BASE64.encode(&amid(secret, dice)), dice),
        "base64 in percent" => percent(BASE64.encode(secret).as_bytes(), reserved, true),
        "base64 of base64" => {
            let inner = format!("Basic {}", BASE64.encode(&amid(secret, dice)));
            BASE64.encode(&amid(inner.as_bytes(), dice)).into_bytes()
        }
        "base64 of JSON" => {
            let inner = json(text()?, |_| false, dice);
            BASE64.encode(&amid(&inner, dice)).into_bytes()
        }
        "base64 of percent" => {
            BASE64.encode(&amid(&percent(secret, reserved, true), dice)).into_bytes()
        }
        "JavaScript" => {
            let mut out = String::new();
            for c in text()?.chars() {
                match dice.below(3) {
                    0 if c.is_ascii() => out.extend([format!("\\x{:02x}", u32::from(c))]),
                    0 | 1 => out.extend([format!("\\u{{{:x}}}", u32::from(c))]),
                    _ if c == '\\' => out.push_str("\\\\"),
                    _ => out.push(c),
                }
            }
            out.into_bytes()
        }
        "a part" => part(secret, dice).to_vec(),
        "a part of base64" => {
            part(BASE64.encode(secret).trim_end_matches('=').as_bytes(), dice).to_vec()
        }
        other => unreachable!("{other}"),
    })
}

/// At least twelve bytes of it, or all of a shorter one.
fn part<'t>(text: &'t [u8], dice: &mut Dice) -> &'t [u8] {
    let length = if text.len() <= 12 { text.len() } else { 12 + dice.below(text.len() - 11) };
    let start = dice.below(text.len() - length + 1);
    &text[start..start + length]
}

/// Other text before and behind it, so that the alignment is any.
fn amid(secret: &[u8], dice: &mut Dice) -> Vec<u8> {
    let before = dice.below(4);
    let behind = dice.below(4);
    [&b"u:-{"[..before], secret, &b"}!.\n"[..behind]].concat()
}

fn reserved(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte)
}

fn percent(bytes: &[u8], mut escape: impl FnMut(u8) -> bool, capitals: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        match (escape(*byte), capitals) {
            (false, _) => out.push(*byte),
            (true, true) => out.extend(format!("%{byte:02X}").into_bytes()),
            (true, false) => out.extend(format!("%{byte:02x}").into_bytes()),
        }
    }
    out
}

fn percent_somewhere(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (share, capitals) = (dice.below(100), dice.chance(50));
    percent(bytes, |byte| byte == b'%' || dice.chance(share), capitals)
}

fn json(text: &str, mut escape: impl FnMut(char) -> bool, dice: &mut Dice) -> Vec<u8> {
    let mut out = String::new();
    for c in text.chars() {
        if escape(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let capitals = dice.chance(50);
                out.extend([if capitals {
                    format!("\\u{unit:04X}")
                } else {
                    format!("\\u{unit:04x}")
                }]);
            }
            continue;
        }
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\u{0}'..='\u{1f}' => out.extend([format!("\\u{:04x}", u32::from(c))]),
            c => out.push(c),
        }
    }
    out.into_bytes()
}

fn json_somewhere(text: &str, dice: &mut Dice) -> Vec<u8> {
    let share = dice.below(60);
    let chosen: Vec<bool> = text.chars().map(|_| dice.chance(share)).collect();
    let slashes = dice.chance(50);
    let mut chosen = chosen.into_iter();
    let spelled = json(text, |_| chosen.next().unwrap_or(false), dice);
    let escape = |byte: u8| if slashes && byte == b'/' { vec![b'\\', b'/'] } else { vec![byte] };
    spelled.into_iter().flat_map(escape).collect()
}

fn html(text: &str, how: usize, mut escape: impl FnMut(char) -> bool) -> Vec<u8> {
    const NAMES: &[(char, &str)] = &[
        ('&', "amp"),
        ('<', "lt"),
        ('>', "gt"),
        ('"', "quot"),
        ('\'', "apos"),
        ('/', "sol"),
        ('+', "plus"),
        ('=', "equals"),
        ('%', "percnt"),
        ('\\', "bsol"),
        ('_', "lowbar"),
        (':', "colon"),
        ('ä', "auml"),
    ];
    let mut out = String::new();
    for c in text.chars() {
        let name = NAMES.iter().find(|(known, _)| *known == c);
        match (escape(c), how, name) {
            (true, 0, Some((_, name))) => out.extend([format!("&{name};")]),
            (true, 1, _) => out.extend([format!("&#{};", u32::from(c))]),
            (true, 2, _) => out.extend([format!("&#x{:x};", u32::from(c))]),
            (_, _, _) if c == '&' => out.push_str("&amp;"),
            _ => out.push(c),
        }
    }
    out.into_bytes()
}

/// Text before or behind a credential in an answer, which is no part of it.
pub(crate) fn filler(dice: &mut Dice, length: usize) -> Vec<u8> {
    const PIECES: &[&str] = &[
        "{\"headers\":{\"X-Request-Id\":\"",
        "\",\"",
        "data: {\"delta\":{\"content\":\"",
        "\"}}\n\n",
        "lorem ipsum ",
        "\\n",
        "\\\"quoted\\\" ",
        "%20",
        "?a=1&b=2 ",
        "&amp; ",
        "<p class=\"x\">",
        "</p>\r\n",
        "ä€🙂 ",
        "\\u00e4 ",
        "YWJjZGVmZ2hpamtsbW5vcA== ",
        "deadbeefcafe0123 ",
        "sk-",
        "Bearer ",
        "50% of it ",
        "C:\\temp\\x ",
        "\0\0 ",
    ];
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        if dice.chance(30) {
            let length = dice.below(40);
            out.extend(dice.text(length).into_bytes());
        }
        out.extend_from_slice(dice.one(PIECES).as_bytes());
    }
    out
}

type Decode = fn(&[u8]) -> Vec<u8>;

/// Knows whether any run of some credentials shows in a text, in any spelling, by decoding the text
/// again and again.
pub(crate) struct Witness {
    runs: HashSet<Vec<u8>>,
    widths: Vec<usize>,
    /// Which beginnings of runs there are at all, by a sum over their first eight bytes.
    beginnings: Vec<bool>,
}

impl Witness {
    /// `public` is what the agent knows anyway: its fake tokens.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s [u8]>, public: &[String]) -> Self {
        let mut runs = HashSet::new();
        for form in secrets.into_iter().flat_map(forms) {
            runs.extend(form.windows(form.len().min(12)).map(<[u8]>::to_vec));
        }
        let public: Vec<_> = public.iter().flat_map(|fake| forms(fake.as_bytes())).collect();
        runs.retain(|run| !public.iter().any(|form| contains(form, run)));
        let mut widths: Vec<usize> = runs.iter().map(Vec::len).collect();
        widths.sort_unstable();
        widths.dedup();
        let mut beginnings = vec![false; 1 << 20];
        for run in &runs {
            beginnings[beginning(run)] = true;
        }
        Self { runs, widths, beginnings }
    }

    /// The first way to read `out` that shows a run.
    pub(crate) fn sees(&self, out: &[u8]) -> Option<&'static str> {
        if self.has_run(out) {
            return Some("as it stands");
        }
        if out.contains(&0)
            && self.has_run(&out.iter().copied().filter(|b| *b != 0).collect::<Vec<_>>())
        {
            return Some("without zeros");
        }
        for (at, run) in hex_runs(out) {
            if self.has_run(&run)
                || self.has_run(&hex_runs(&out[at + 1..]).next().map_or(vec![], |(_, r)| r))
            {
                return Some("from hex");
            }
        }
        let decoders: [(&str, Decode); 3] =
            [("from percent", unpercent), ("from JSON", unjson), ("from HTML", unhtml)];
        let mut all = out.to_vec();
        for _ in 0..3 {
            for (name, decode) in decoders {
                let decoded = decode(&all);
                if decoded != all && self.has_run(&decoded) {
                    return Some(name);
                }
                all = decoded;
            }
        }
        None
    }

    fn has_run(&self, text: &[u8]) -> bool {
        (0..text.len().saturating_sub(7)).any(|start| {
            let rest = &text[start..];
            let is_run =
                |width: &usize| rest.get(..*width).is_some_and(|run| self.runs.contains(run));
            self.beginnings[beginning(rest)] && self.widths.iter().any(is_run)
        })
    }
}

/// The text, and those characters of its base64 that are sure, in each alignment.
fn forms(text: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![text.to_vec()];
    for before in 0..3 {
        let shifted = [&[0; 2][..before], text].concat();
        let from = if before == 0 { 0 } else { before + 1 };
        let sure = shifted.len() * 8 / 6;
        for alphabet in [BASE64_NOPAD, BASE64URL_NOPAD] {
            forms.push(alphabet.encode(&shifted).as_bytes()[from..sure].to_vec());
        }
    }
    forms
}

fn beginning(run: &[u8]) -> usize {
    let sum =
        run[..8].iter().fold(0u32, |sum, byte| sum.wrapping_mul(0x0100_0193) ^ u32::from(*byte));
    usize::try_from(sum.wrapping_mul(0x9E37_79B1) >> 12).unwrap_or(0)
}

pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The longest runs of hex digits, decoded, with where they begin.
fn hex_runs(text: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let length = text[at..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
            let start = at;
            at += length.max(1);
            if length >= 16 {
                let run = &text[start..start + length / 2 * 2];
                return Some((
                    start,
                    data_encoding::HEXLOWER_PERMISSIVE.decode(run).unwrap_or_default(),
                ));
            }
        }
        None
    })
}

fn unpercent(text: &[u8]) -> Vec<u8> {
    replaced(text, b'%', |rest| {
        let value = u8::from_str_radix(str::from_utf8(rest.get(..2)?).ok()?, 16).ok()?;
        Some((2, vec![value]))
    })
}

fn unjson(text: &[u8]) -> Vec<u8> {
    replaced(text, b'\\', |rest| {
        Some(match rest.first()? {
            b'n' => (1, vec![b'\n']),
            b'u' => {
                let unit = u16::from_str_radix(str::from_utf8(rest.get(1..5)?).ok()?, 16).ok()?;
                let low = rest.get(5..11).filter(|low| low.starts_with(b"\\u"));
                let low = low
                    .and_then(|low| u16::from_str_radix(str::from_utf8(&low[2..]).ok()?, 16).ok());
                match low
                    .and_then(|low| String::from_utf16(&[unit, low]).ok())
                    .filter(|_| unit >= 0xd800)
                {
                    Some(pair) => (11, pair.into_bytes()),
                    None => (5, String::from_utf16_lossy(&[unit]).into_bytes()),
                }
            }
            other => (1, vec![*other]),
        })
    })
}

fn unhtml(text: &[u8]) -> Vec<u8> {
    replaced(text, b'&', |rest| {
        let end = rest.iter().take(12).position(|b| *b == b';')?;
        let name = str::from_utf8(&rest[..end]).ok()?;
        let code = match name {
            "amp" => 38,
            "lt" => 60,
            "gt" => 62,
            "quot" => 34,
            "apos" => 39,
            "sol" => 47,
            "plus" => 43,
            "equals" => 61,
            _ => match name.strip_prefix('#')? {
                digits if digits.starts_with('x') => u32::from_str_radix(&digits[1..], 16).ok()?,
                digits => digits.parse().ok()?,
            },
        };
        Some((end + 1, char::from_u32(code)?.to_string().into_bytes()))
    })
}

fn replaced(text: &[u8], mark: u8, read: impl Fn(&[u8]) -> Option<(usize, Vec<u8>)>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let found = if text[at] == mark { read(&text[at + 1..]) } else { None };
        if let Some((length, value)) = found {
            out.extend(value);
            at += 1 + length;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}
