//! Embeds `firstboot/` and every folder of `overlays/` in the program: a table of paths and contents per folder, so that
//! a file only has to lie there.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = std::env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?;
    let out = std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let root = Path::new(&root);
    let mut code = String::from("const FIRSTBOOT: &[EmbeddedFile] = ");
    embed(&root.join("firstboot"), &mut code)?;
    code.push_str(";\nconst OVERLAYS: &[(&str, &[EmbeddedFile])] = &[\n");
    for (mechanism, folder) in entries(&root.join("overlays"))? {
        write!(code, "({mechanism:?}, ").map_err(io::Error::other)?;
        embed(&folder, &mut code)?;
        code.push_str("),\n");
    }
    code.push_str("];\n");
    println!("cargo::rerun-if-changed=firstboot");
    println!("cargo::rerun-if-changed=overlays");
    fs::write(Path::new(&out).join("embedded_trees.rs"), code)
}

/// Writes every file below `folder` as an array of (path below it with `/`, contents).
fn embed(folder: &Path, code: &mut String) -> io::Result<()> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    files.sort();
    code.push_str("&[\n");
    for (path, source) in files {
        writeln!(code, "    ({path:?}, include_bytes!({source:?})),").map_err(io::Error::other)?;
    }
    code.push(']');
    Ok(())
}

/// Adds every file below `folder` as (path with `/`, absolute path).
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for (name, place) in entries(folder)? {
        let path = format!("{prefix}{name}");
        if place.is_dir() {
            collect(&place, &format!("{path}/"), files)?;
        } else {
            let source = place.into_os_string().into_string();
            let source = source.map_err(|_| io::Error::other("the project's folder is not Unicode"))?;
            files.push((path, source));
        }
    }
    Ok(())
}

/// Returns the entries of a folder as (name, path), sorted, without files that editors leave behind.
fn entries(folder: &Path) -> io::Result<Vec<(String, std::path::PathBuf)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| io::Error::other(format!("{} is not Unicode", name.to_string_lossy())))?;
        if !name.starts_with('.') && !name.ends_with('~') {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}
