//! PyPI's packages that the tests run, of versions that are written here, in an environment of their own below `target`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::steps::{Outcome, ask, run, step};

/// A second implementation of S3.
const MOTO: &str = "5.2.5";

/// The program that the tests start.
pub fn moto(root: &Path) -> PathBuf {
    root.join("target/python/bin/moto_server")
}

/// Makes the environment and installs what is missing there, or is there in another version; does nothing, and says nothing, where all is
/// right.
pub fn ensure(root: &Path) -> Outcome {
    let folder = root.join("target/python");
    if is_installed(root) {
        return Ok(());
    }
    step(&format!("install PyPI packages: moto {MOTO}"), || {
        // Debian ships what environments are made with apart from Python itself.
        if ask(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_none() && debian::can_install() {
            run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
            debian::install(&["python3-venv"])?;
        }
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/pip"));
        run(pip.args(["install", "--quiet", "--disable-pip-version-check", &format!("moto[server,s3]=={MOTO}")]))
    })
}

fn is_installed(root: &Path) -> bool {
    let question = "from importlib.metadata import version; print(version('moto'))";
    let python = root.join("target/python/bin/python");
    moto(root).is_file() && ask(Command::new(python).args(["-c", question])).as_deref() == Some(MOTO)
}
