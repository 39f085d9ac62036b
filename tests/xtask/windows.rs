//! Windows, in Wine.

use std::fs;
use std::path::Path;

use crate::foreign::{Environment, Foreign, compiler};
use crate::machine::{self, Source, Tool};
use crate::shell::{Shell, root, target_folder};
use crate::steps::FOREIGN;

const WINE: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver64";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";

pub(crate) const WINDOWS: Foreign = Foreign {
    target: "x86_64-pc-windows-gnu",
    linker: COMPILER,
    runner: Some(WINE),
    compiler: compiler("a compiler for Windows", || machine::compiler_for(&[WINDOWS.target]).is_some()),
    tools: Tool {
        name: "MinGW and Wine",
        is_here: || WINDOWS.is_complete(),
        from: Source::Packages("gcc-mingw-w64-x86-64-win32 wine64"),
    },
    files: &[SERVER],
    prepare,
    ..Foreign::PLAIN
};

/// Makes a Windows of our own, and gives it the library that Wine 8 lacks.
fn prepare() -> Result<Environment, String> {
    let prefix = root().join(target_folder(FOREIGN)).join("wine");
    fs::create_dir_all(&prefix).map_err(|error| format!("{}: {error}", prefix.display()))?;
    let environment = vec![
        ("WINEPREFIX", prefix.display().to_string()),
        ("WINEDEBUG", "-all".to_owned()),
        ("WINEDLLOVERRIDES", "mscoree,mshtml=".to_owned()), // what it would like to download
    ];
    let with = |shell: Shell| environment.iter().fold(shell, |shell, (name, value)| shell.env(name, value));
    // The server of this Windows ends seconds after its last program, and one that starts just then is refused. So it
    // stays for ten minutes more; that one is there already is no error.
    let _ = with(Shell::new(SERVER).arg("--persistent=600")).output();
    let system = prefix.join("drive_c/windows/system32");
    if !system.exists() {
        with(Shell::new(WINE).args("wineboot --init")).run()?;
    }
    let library = system.join("bcryptprimitives.dll");
    if !library.exists() {
        let source = Path::new("tests/xtask/bcryptprimitives.c");
        Shell::new(COMPILER).args("-shared -o").arg(&library).arg(source).arg("-ladvapi32").run()?;
    }
    Ok(environment)
}
