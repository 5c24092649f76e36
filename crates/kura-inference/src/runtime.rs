use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kura_model::{Category, Error, Result};
use ort::environment::Environment;

/// The loaded ONNX Runtime. One for the process.
#[derive(Debug)]
pub struct Runtime {
    pub(crate) environment: Environment,
    library: PathBuf,
}

static LOADED: OnceLock<std::result::Result<Runtime, String>> = OnceLock::new();

/// Names the loader knows where a package installed it.
const SYSTEM_NAMES: [&str; 2] = ["libonnxruntime.so.1", "libonnxruntime.so"];

impl Runtime {
    /// Loads the library: `library` if given, else what the system has. The first call decides.
    ///
    /// # Errors
    /// `Unsupported` where there is none, saying what to install.
    pub fn load(library: Option<&Path>) -> Result<&'static Self> {
        LOADED
            .get_or_init(|| match library {
                Some(path) => Self::open(path),
                None => SYSTEM_NAMES
                    .iter()
                    .map(|name| Self::open(Path::new(name)))
                    .find(std::result::Result::is_ok)
                    .unwrap_or_else(|| Err("no libonnxruntime.so was found".to_owned())),
            })
            .as_ref()
            .map_err(|reason| {
                Error::new(
                    Category::Unsupported,
                    format!(
                        "{reason}; models are not asked. Install it (pip install onnxruntime) and name its libonnxruntime.so in inference.runtime of kura.toml or KURA_INFERENCE__RUNTIME"
                    ),
                )
            })
    }

    fn open(path: &Path) -> std::result::Result<Self, String> {
        // A file that is named must be there: the loader would look elsewhere.
        if path.components().count() > 1 && !path.is_file() {
            return Err(format!("there is no {}", path.display()));
        }
        let environment = ort::init_from(path)
            .map_err(|error| format!("{} cannot be loaded: {error}", path.display()))?
            // Nothing of what is computed leaves for its maker.
            .with_telemetry(false)
            .build()
            .map_err(|error| format!("{} cannot be used: {error}", path.display()))?;
        Ok(Self {
            environment,
            library: path.to_owned(),
        })
    }

    /// What was loaded.
    pub fn library(&self) -> &Path {
        &self.library
    }
}
