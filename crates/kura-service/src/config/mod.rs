//! One configuration: defaults, then `kura.toml` in the bank's folder, then the environment,
//! then flags. Unknown keys are refused, so that a spelling mistake is not a silent default.

mod access;
mod database;
mod dicom;
mod dicomweb;
mod subscriptions;
mod validation;

use std::path::{Path, PathBuf};

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

pub use access::{Access, SecondFactor};
pub use database::{Database, owner_only};
pub use dicom::{Dicom, DicomTls, Node, Service};
pub use dicomweb::DicomWeb;
pub use subscriptions::{Endpoint, Subscriptions};
pub use validation::{OnWrite, Validation};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub hospital: Hospital,
    pub database: Database,
    pub identity: Identity,
    pub server: Server,
    pub access: Access,
    pub fhir: Fhir,
    pub validation: Validation,
    pub dicom: Dicom,
    pub dicomweb: DicomWeb,
    pub import: Import,
    pub inference: Inference,
    pub text: Text,
    pub ocr: Ocr,
    pub pdf: Pdf,
    pub subscriptions: Subscriptions,
    pub log: Log,
}

/// Whose bank it is, and how its patients are numbered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hospital {
    pub name: String,
    /// `Identifier.system` of the hospital's patient number. JP Core:
    /// `urn:oid:1.2.392.100495.20.3.51.1` + the ten digits of the institution.
    pub patient_number_system: String,
    /// Values of Issuer of Patient ID (0010,0021) that mean this hospital.
    pub dicom_issuers: Vec<String>,
    /// Take DICOM objects without an issuer for this hospital's. Only where the archive holds
    /// no other hospital's images.
    pub accept_missing_issuer: bool,
}

impl Default for Hospital {
    fn default() -> Self {
        Self {
            name: "Kura".to_owned(),
            patient_number_system: "urn:oid:1.2.392.100495.20.3.51.1".to_owned(),
            dicom_issuers: vec!["1.2.392.100495.20.3.51.1".to_owned()],
            accept_missing_issuer: false,
        }
    }
}

/// The identity zone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// The age key file that the keys of projects are sealed under; relative to the bank's folder.
    pub key_file: PathBuf,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            key_file: PathBuf::from("identity.key"),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// `address:port`. Anything but loopback needs an account first.
    pub listen: String,
    /// Host names the server answers to, besides its own address and localhost.
    pub hosts: Vec<String>,
    /// Minutes after which a browser has to sign in again.
    pub session_minutes: u32,
    /// Minutes after which a browser that nobody uses has to.
    pub idle_minutes: u32,
    /// TLS; without it HTTP is spoken, for loopback or behind a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTls>,
}

/// What the web is served by over TLS. Relative names are in the bank's folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// PEM: the certificate, and those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM, mode 600.
    pub key: PathBuf,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            hosts: Vec::new(),
            session_minutes: 480,
            idle_minutes: 60,
            tls: None,
        }
    }
}

/// The FHIR API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fhir {
    /// Bytes of one request: a resource, a Bundle, a patch.
    pub request_bytes: u64,
    /// Whether a conditional delete may take more than one resource.
    pub delete_multiple: bool,
}

impl Default for Fhir {
    fn default() -> Self {
        Self {
            request_bytes: 64 << 20,
            delete_multiple: false,
        }
    }
}

/// What one input may cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Import {
    /// Bytes of one item: a line of NDJSON, a JSON file.
    pub item_bytes: u64,
    /// A compressed input may grow by this factor once it is past `expanded_bytes`.
    pub expansion: u64,
    /// Bytes a compressed input may grow to before `expansion` counts.
    pub expanded_bytes: u64,
    /// Members of one archive.
    pub members: u64,
    /// Prefixes of the addresses that `$import` may fetch from; none, it fetches nothing.
    pub sources: Vec<String>,
    /// Bytes of one input of `$import`, as it is fetched or sent.
    pub input_bytes: u64,
    /// Minutes that fetching one input may take.
    pub fetch_minutes: u64,
}

impl Default for Import {
    fn default() -> Self {
        Self {
            item_bytes: 64 << 20,
            expansion: 200,
            expanded_bytes: 1 << 30,
            members: 1_000_000,
            sources: Vec::new(),
            input_bytes: 64 << 30,
            fetch_minutes: 360,
        }
    }
}

impl Import {
    /// Where `$import` may fetch from.
    ///
    /// # Errors
    /// An entry of `sources` that is no prefix of addresses.
    pub(crate) fn allowed(&self) -> Result<kura_outbound::Sources> {
        kura_outbound::Sources::of("import.sources", &self.sources)
    }
}

/// How models are asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inference {
    /// The ONNX Runtime library, `libonnxruntime.so`; the system's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<PathBuf>,
    /// Seconds one answer may take.
    pub seconds: f64,
    /// Seconds one answer about a whole volume may take.
    pub volume_seconds: f64,
    /// How often a model is asked about a patient it could not answer for.
    pub attempts: u32,
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            runtime: None,
            seconds: 10.0,
            volume_seconds: 300.0,
            attempts: 5,
        }
    }
}

/// How text in pictures is found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ocr {
    /// Folder of the models; without it no text in a picture is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<PathBuf>,
    /// File of places that pictures of a device have text at: masked whatever is read there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<PathBuf>,
    /// What decodes videos; where it is not installed they stay inside.
    pub ffmpeg: PathBuf,
}

impl Default for Ocr {
    fn default() -> Self {
        Self {
            models: None,
            regions: None,
            ffmpeg: PathBuf::from("ffmpeg"),
        }
    }
}

/// How documents are typeset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pdf {
    /// A Japanese font: its file, or the folder it lies in. Without it the machine's are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fonts: Option<PathBuf>,
}

/// How texts are cleaned.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    /// Folder of the source of MeCab's IPADIC: names that nobody told are found by it.
    pub dictionary: PathBuf,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            dictionary: PathBuf::from("/usr/share/mecab/dic/ipadic"),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, or a filter such as `kura_server=debug`.
    pub level: String,
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            json: false,
        }
    }
}

impl Config {
    /// Reads `file` if it exists, then `KURA_SECTION__KEY` from the environment.
    pub fn load(file: &Path, environment: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(
                    Error::invalid(format!("{} cannot be read", file.display())).because(error)
                );
            }
        };
        let said: Self = toml::from_str(&text).unwrap_or_default();
        if said.database.holds_secret() || said.subscriptions.holds_secret() {
            database::owner_only(file)?;
        }
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            Error::invalid(format!("{}: {}", file.display(), error.message()))
        })?;
        let mut database = None;
        for (name, value) in environment {
            if name == "KURA_DATABASE" && !value.is_empty() {
                database = Some(Database::from_environment(value));
                continue;
            }
            let Some((section, key)) = name
                .strip_prefix("KURA_")
                .and_then(|rest| rest.split_once("__"))
            else {
                continue;
            };
            let section = table
                .entry(section.to_lowercase())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(section) = section {
                section.insert(key.to_lowercase(), scalar(&value));
            }
        }
        let mut config: Self = table.try_into().map_err(|error: toml::de::Error| {
            Error::invalid(format!("configuration: {}", error.message()))
        })?;
        if let Some(database) = database {
            config.database = database;
        }
        if let Some(folder) = file.parent() {
            config.database.relative_to(folder);
            config.validation.relative_to(folder);
        }
        config.validation.check()?;
        config.dicom.check()?;
        config.dicomweb.check()?;
        config.import.allowed()?;
        config.subscriptions.check()?;
        Ok(config)
    }

    /// The file a new bank starts with.
    pub fn to_toml(&self) -> Result<String> {
        let body = toml::to_string_pretty(self).map_err(|error| {
            Error::internal("the configuration cannot be written").because(error)
        })?;
        Ok(format!(
            "# Configuration of this bank. Every key is explained in docs/configuration.md.\n\
             # The environment wins over this file: KURA_SERVER__LISTEN=127.0.0.1:9000\n\n{body}"
        ))
    }
}

fn scalar(text: &str) -> toml::Value {
    if let Ok(number) = text.parse::<i64>() {
        return toml::Value::Integer(number);
    }
    match text {
        "true" => toml::Value::Boolean(true),
        "false" => toml::Value::Boolean(false),
        list if list.starts_with(['[', '{']) => list
            .parse::<toml::Value>()
            .unwrap_or_else(|_| toml::Value::String(list.to_owned())),
        other => toml::Value::String(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_and_the_environment_wins() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kura.toml");
        std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\n").unwrap();
        let environment = [("KURA_SERVER__LISTEN".to_owned(), "127.0.0.1:2".to_owned())];
        let config = Config::load(&file, environment.into_iter()).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:2");

        std::fs::write(&file, "[server]\nlisen = \"x\"\n").unwrap();
        let error = Config::load(&file, std::iter::empty()).unwrap_err();
        assert!(error.message().contains("lisen"), "{error}");
        let environment = [("KURA_SERVER__PROT".to_owned(), "1".to_owned())];
        std::fs::write(&file, "").unwrap();
        assert!(Config::load(&file, environment.into_iter()).is_err());
    }

    #[test]
    fn the_address_of_the_database_is_private() {
        use kura_model::Zone;
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kura.toml");
        let none = || std::iter::empty::<(String, String)>();
        let mode = |file: &Path, mode: u32| {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        std::fs::write(
            &file,
            "[database]\nurl = \"postgres://a:secret@127.0.0.1/k\"\n",
        )
        .unwrap();
        mode(&file, 0o644);
        assert!(Config::load(&file, none()).is_err(), "others may read it");
        mode(&file, 0o600);
        let config = Config::load(&file, none()).unwrap();
        let postgres = |config: &Config, zone| {
            matches!(
                config.database.of(zone).unwrap(),
                kura_store::Database::Postgres(_)
            )
        };
        assert!(postgres(&config, Zone::Research));
        let shown = format!("{config:?}{}", config.to_toml().unwrap());
        assert!(!shown.contains("secret"), "{shown}");

        // A file beside the configuration, for one zone.
        std::fs::write(&file, "[database]\nresearch_url_file = \"address\"\n").unwrap();
        let address = folder.path().join("address");
        std::fs::write(&address, "postgres://a:secret@127.0.0.1/k\n").unwrap();
        mode(&address, 0o640);
        let config = Config::load(&file, none()).unwrap();
        assert!(config.database.of(Zone::Research).is_err());
        mode(&address, 0o600);
        assert!(postgres(&config, Zone::Research));
        assert!(!postgres(&config, Zone::Identity));

        let environment = [("KURA_DATABASE".to_owned(), "nonsense secret".to_owned())];
        let config = Config::load(&file, environment.into_iter()).unwrap();
        let error = config.database.of(Zone::Research).unwrap_err();
        assert!(
            !format!("{error:?}").contains("secret"),
            "the environment wins, and is not shown"
        );
    }

    #[test]
    fn the_written_file_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kura.toml");
        std::fs::write(&file, Config::default().to_toml().unwrap()).unwrap();
        let config = Config::load(&file, std::iter::empty()).unwrap();
        assert_eq!(config.import.members, 1_000_000);
    }
}
