//! Embeds `firstboot/` and `overlays/` in the program: a table of paths and contents per tree, so that a file
//! needs nothing but to lie there.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = std::env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?;
    let out = std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let root = Path::new(&root);
    let mut code = String::new();
    for (name, folder) in [
        ("FIRSTBOOT", "firstboot"),
        ("CLOUD_INIT", "overlays/cloud-init"),
        ("SYSTEMD_RUN", "overlays/systemd.run"),
    ] {
        println!("cargo::rerun-if-changed={folder}");
        writeln!(code, "const {name}: &[EmbeddedFile] = &[").map_err(io::Error::other)?;
        let mut entries = Vec::new();
        collect(&root.join(folder), "", &mut entries)?;
        entries.sort();
        for (path, source) in entries {
            writeln!(code, "    ({path:?}, include_bytes!({source:?})),").map_err(io::Error::other)?;
        }
        code.push_str("];\n");
    }
    fs::write(Path::new(&out).join("embedded_trees.rs"), code)
}

/// Adds every file below `folder` as (path with `/`, absolute path). Editors' leftovers stay out.
fn collect(folder: &Path, prefix: &str, entries: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| io::Error::other(format!("{} is not Unicode", name.to_string_lossy())))?;
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), entries)?;
        } else {
            let source = entry.path().into_os_string().into_string();
            let source = source.map_err(|_| io::Error::other("the project's folder is not Unicode"))?;
            entries.push((path, source));
        }
    }
    Ok(())
}
