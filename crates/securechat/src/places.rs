//! Where things lie.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::failure::{Exit, Failure};

/// The folders and files of all profiles.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    config: PathBuf,
    data: PathBuf,
}

impl Places {
    /// Under one folder if `home` is given, in the XDG places otherwise.
    pub(crate) fn new(home: Option<&Path>, config: Option<&Path>) -> Result<Self, Failure> {
        let (config_folder, data) = match home {
            Some(home) => (home.to_owned(), home.to_owned()),
            None => {
                let xdg = etcetera::base_strategy::Xdg::new().map_err(|_| {
                    Failure::new(
                        Exit::Usage,
                        "no_home",
                        "there is no home folder to keep profiles in",
                    )
                    .hint("name a folder: securechat --home DIR …")
                })?;
                (xdg.config_dir().join("securechat"), xdg.data_dir().join("securechat"))
            }
        };
        let config = config.map_or_else(|| config_folder.join("config.toml"), Path::to_owned);
        Ok(Self { config, data })
    }

    /// The configuration file, whether it exists or not.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// The folder of all data.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The folder of a profile.
    pub(crate) fn profile(&self, name: &str) -> PathBuf {
        self.data.join("profiles").join(name)
    }

    /// The data of the embedded broker.
    pub(crate) fn broker(&self) -> PathBuf {
        self.data.join("broker")
    }

    /// The names of the profiles that exist, sorted.
    pub(crate) fn profiles(&self) -> Result<Vec<String>, Failure> {
        let folder = self.data.join("profiles");
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Failure { exit: Exit::Store, ..Failure::file(&folder, &error) });
            }
        };
        let names = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let folder = entry.path();
            let made = ["vault.key", "store.db", "store.sled"]
                .iter()
                .any(|part| folder.join(part).exists());
            (made && name.parse::<chat_core::Handle>().is_ok()).then_some(name)
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }
}
