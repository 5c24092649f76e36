//! Where may be fetched from: a list of prefixes, so that nobody makes the server ask around in
//! the network it stands in.

use std::path::{Component, Path, PathBuf};

use kura_model::{Error, Result};
use ureq::http::Uri;

/// An address that is on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Http(Uri),
    /// Of this machine, as its links lead; it is there, and a file.
    File(PathBuf),
}

/// The list.
#[derive(Debug)]
pub struct Sources(Vec<Prefix>);

#[derive(Debug, PartialEq, Eq)]
enum Prefix {
    Http(Place),
    File(PathBuf),
}

/// What of a URL of HTTP is compared.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    secure: bool,
    host: String,
    port: u16,
    path: String,
}

impl Sources {
    /// The list as it is configured, under `name`.
    ///
    /// # Errors
    /// An entry that is no prefix: another scheme, `http` to another machine (what is fetched is
    /// patients' data), a query, a relative path.
    pub fn of(name: &str, prefixes: &[String]) -> Result<Self> {
        prefixes
            .iter()
            .enumerate()
            .map(|(number, text)| {
                prefix(text).ok_or_else(|| {
                    Error::invalid(format!(
                        "configuration: {name}[{number}] has to be https://HOST/PATH, \
                         file:///FOLDER, or http:// to this machine (127.0.0.1, [::1], localhost)"
                    ))
                })
            })
            .collect::<Result<_>>()
            .map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address, if some prefix allows it.
    pub fn admit(&self, url: &str) -> Option<Address> {
        if let Some(path) = file(url) {
            // Links are followed before it is compared: none leads out.
            let path = path.canonicalize().ok()?;
            let within = |prefix: &Prefix| match prefix {
                Prefix::File(folder) => folder
                    .canonicalize()
                    .is_ok_and(|folder| path.starts_with(folder)),
                Prefix::Http(_) => false,
            };
            return (self.0.iter().any(within) && path.is_file()).then_some(Address::File(path));
        }
        let uri: Uri = url.parse().ok()?;
        let place = place(&uri)?;
        let within = |prefix: &Prefix| match prefix {
            Prefix::Http(known) => {
                known.secure == place.secure
                    && known.host == place.host
                    && known.port == place.port
                    && below(&known.path, &place.path)
            }
            Prefix::File(_) => false,
        };
        self.0.iter().any(within).then_some(Address::Http(uri))
    }
}

fn prefix(text: &str) -> Option<Prefix> {
    if let Some(path) = file(text) {
        return Some(Prefix::File(path));
    }
    let uri: Uri = text.parse().ok()?;
    let place = place(&uri)?;
    let local = matches!(&place.host[..], "127.0.0.1" | "[::1]" | "localhost");
    (uri.query().is_none() && (place.secure || local)).then_some(Prefix::Http(place))
}

/// RFC 3986 section 3. Whatever two readers might read differently is no address: a user, a
/// path that goes up or hides a slash, a backslash.
fn place(uri: &Uri) -> Option<Place> {
    let secure = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let authority = uri.authority()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host().to_ascii_lowercase();
    let path = uri.path();
    let lower = path.to_ascii_lowercase();
    let hidden = ["%2e", "%2f", "%5c", "%00", "\\"];
    // Some servers take what stands behind a semicolon away first.
    let up = path.split('/').any(|segment| {
        let name = segment.split(';').next().unwrap_or_default();
        matches!(name, "." | "..")
    });
    (!host.is_empty() && !up && !hidden.iter().any(|sign| lower.contains(sign))).then(|| Place {
        secure,
        port: authority
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 }),
        host,
        path: path.to_owned(),
    })
}

/// By whole segments: `/a` allows `/a` and `/a/b`, not `/ab`.
fn below(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

/// The path of a file URL of this machine. RFC 8089 section 2.
fn file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return None;
    }
    let path = PathBuf::from(decoded(path)?);
    let sound = Path::new(&path)
        .components()
        .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    sound.then_some(path)
}

fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let digits = text.get(at + 1..at + 3)?;
            out.push(
                u8::from_str_radix(digits, 16)
                    .ok()
                    .filter(|byte| *byte != 0)?,
            );
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(list: &[&str]) -> Result<Sources> {
        let list: Vec<String> = list.iter().map(|text| (*text).to_owned()).collect();
        Sources::of("sources", &list)
    }

    #[test]
    fn only_what_is_below_a_prefix() {
        let list = sources(&[
            "https://data.example.org/export/",
            "https://Other.example.org:8443",
            "http://127.0.0.1:9000/a",
        ])
        .unwrap();
        for allowed in [
            "https://data.example.org/export/1/Patient.ndjson?sig=x",
            "https://DATA.example.org:443/export/p",
            "https://other.example.org:8443/anything",
            "http://127.0.0.1:9000/a",
            "http://127.0.0.1:9000/a/b",
        ] {
            assert!(list.admit(allowed).is_some(), "{allowed}");
        }
        for refused in [
            "http://data.example.org/export/p",
            "https://data.example.org/exports/p",
            "https://data.example.org/export/../secret",
            "https://data.example.org/export/%2e%2e/secret",
            "https://data.example.org/export/..;x=1/secret",
            "https://data.example.org/export/..%2fsecret",
            "https://data.example.org/export\\..\\secret",
            "https://data.example.org@evil.example/export/p",
            "https://user@data.example.org/export/p",
            "https://data.example.org.evil.example/export/p",
            "https://data.example.org:444/export/p",
            "https://other.example.org/anything",
            "http://127.0.0.1:9000/ab",
            "http://127.1:9000/a",
            "http://2130706433:9000/a",
            "http://169.254.169.254/latest/meta-data",
            "ftp://data.example.org/export/p",
            "gopher://127.0.0.1:9000/a",
            "/export/p",
            "",
            "file:///etc/passwd",
        ] {
            assert!(list.admit(refused).is_none(), "{refused}");
        }
        assert!(sources(&[]).unwrap().admit("https://x.example/").is_none());
    }

    #[test]
    fn prefixes_that_are_none() {
        for wrong in [
            "https://",
            "data.example.org",
            "*",
            "http://data.example.org/",
            "https://data.example.org/?a=b",
            "file:relative",
            "file://other/srv",
            "file:///srv/../etc",
        ] {
            let error = sources(&[wrong]).unwrap_err();
            assert!(error.message().contains("sources[0]"), "{error}");
        }
    }

    #[test]
    fn links_do_not_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in side");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(inside.join("a.ndjson"), "").unwrap();
        std::fs::write(folder.path().join("secret"), "").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), inside.join("link")).unwrap();
        let base = folder.path().display();
        let list = sources(&[&format!("file://{base}/in%20side")]).unwrap();
        let admit = |path: &str| list.admit(&format!("file://{base}/{path}"));
        assert_eq!(
            admit("in%20side/a.ndjson"),
            Some(Address::File(
                inside.join("a.ndjson").canonicalize().unwrap()
            ))
        );
        for refused in [
            "in%20side/link",
            "in%20side/../secret",
            "in%20side/%2e%2e/secret",
            "in%20side",
            "secret",
            "in%20side/absent",
            "in%20side/a.ndjson%00",
        ] {
            assert_eq!(admit(refused), None, "{refused}");
        }
    }
}
