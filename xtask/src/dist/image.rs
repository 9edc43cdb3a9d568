//! The image, as a layout of the Open Container Initiative, written without a daemon.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use xshell::{Shell, cmd};

use super::files;
use super::release::Release;

/// The packages of Debian whose files are in the image, besides the program.
const PACKAGES: [&str; 2] = ["libc6", "ca-certificates"];

/// The largest image, in bytes.
const LARGEST: u64 = 30 << 20;

/// The user of the program in the image.
const USER: &str = "10001";

/// The folders that the program writes to.
const WRITABLE: [&str; 2] = ["./var/lib/auth-server", "./run/auth-server"];

/// Writes the image into `target/dist` as one archive, which Docker and Podman load.
pub(super) fn write(sh: &Shell, release: &Release, dist: &Path) -> Result<()> {
    let temporary = sh.create_temp_dir()?;
    let tarball = dist.join(format!("{}.tar.gz", release.name()));
    let root = lay_root(sh, &tarball, temporary.path())?;
    let layer = temporary.path().join("layer.tar");
    files::archive(sh, release, &root, ".", &layer)?;
    let epoch = &release.epoch;
    for folder in WRITABLE {
        // The later entry of a name counts.
        cmd!(sh, "tar --append --file {layer} --directory {root} --no-recursion --mtime=@{epoch} --owner={USER} --group={USER} --numeric-owner --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime {folder}").run()?;
    }
    let unpacked = digest(sh, &layer)?;
    cmd!(sh, "gzip --no-name --best {layer}").run()?;

    let layout = Layout { sh, blobs: sh.create_dir(temporary.path().join("layout/blobs/sha256"))? };
    let layer =
        layout.take(&temporary.path().join("layer.tar.gz"), "application/vnd.oci.image.layer.v1.tar+gzip")?;
    let created = cmd!(sh, "date --utc --date=@{epoch} +%Y-%m-%dT%H:%M:%SZ").quiet().read()?;
    let config = json!({
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": instructions(&sh.read_file("deploy/container/Dockerfile")?, &release.version)?,
        "rootfs": { "type": "layers", "diff_ids": [unpacked] },
        "history": [{ "created": created, "created_by": "cargo xtask dist" }],
    });
    let config = layout.add(&config, "application/vnd.oci.image.config.v1+json")?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    });
    let manifest = layout.add(&manifest, "application/vnd.oci.image.manifest.v1+json")?;
    let name = format!("auth-server:{}", release.version);
    let mut manifest = manifest.as_object().cloned().context("no descriptor")?;
    manifest.insert("platform".to_owned(), json!({ "architecture": "amd64", "os": "linux" }));
    let annotations = json!({
        "org.opencontainers.image.ref.name": release.version,
        "io.containerd.image.name": name,
    });
    manifest.insert("annotations".to_owned(), annotations);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    });
    let folder = temporary.path().join("layout");
    sh.write_file(folder.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}")?;
    sh.write_file(folder.join("index.json"), index.to_string())?;
    let image = dist.join(format!("{}-image.tar", release.name()));
    files::archive(sh, release, &folder, ".", &image)?;
    let size = std::fs::metadata(&image)?.len();
    ensure!(size < LARGEST, "the image has {size} bytes, more than {LARGEST}");
    Ok(())
}

/// Lays the files of the image by the script that the Dockerfile runs.
fn lay_root(sh: &Shell, tarball: &Path, temporary: &Path) -> Result<PathBuf> {
    let [debian, unpacked, packages] = ["debian", "tarball", "packages"].map(|name| temporary.join(name));
    for folder in [&debian, &unpacked, &packages] {
        sh.create_dir(folder)?;
    }
    let root = temporary.join("root");
    cmd!(sh, "tar --extract --file {tarball} --directory {unpacked} --strip-components 1").run()?;
    {
        let _folder = sh.push_dir(&packages);
        // Those who download must be able to write here, and root's downloads are not root's.
        cmd!(sh, "chmod 0777 .").run()?;
        cmd!(sh, "apt-get download --quiet --quiet {PACKAGES...}").run()?;
    }
    for package in sh.read_dir(&packages)? {
        cmd!(sh, "dpkg-deb --extract {package} {debian}").run()?;
    }
    cmd!(sh, "sh deploy/container/lay-root.sh {debian} {unpacked} {root}").run()?;
    Ok(root)
}

/// What a Dockerfile says of how its last image runs, in the form of an image's configuration.
fn instructions(dockerfile: &str, version: &str) -> Result<Value> {
    let last = dockerfile.rsplit("\nFROM ").next().unwrap_or_default();
    let mut config = Map::new();
    let (mut ports, mut volumes) = (Map::new(), Map::new());
    let mut labels = Map::from_iter([("org.opencontainers.image.version".to_owned(), json!(version))]);
    for line in last.lines() {
        let (instruction, rest) = line.split_once(' ').unwrap_or((line, ""));
        match instruction {
            "USER" => drop(config.insert("User".to_owned(), json!(rest))),
            "WORKDIR" => drop(config.insert("WorkingDir".to_owned(), json!(rest))),
            "STOPSIGNAL" => drop(config.insert("StopSignal".to_owned(), json!(rest))),
            "ENTRYPOINT" => drop(config.insert("Entrypoint".to_owned(), serde_json::from_str(rest)?)),
            "CMD" => drop(config.insert("Cmd".to_owned(), serde_json::from_str(rest)?)),
            "EXPOSE" => drop(ports.insert(rest.to_owned(), json!({}))),
            "VOLUME" => {
                let folders: Vec<String> = serde_json::from_str(rest)?;
                volumes.extend(folders.into_iter().map(|folder| (folder, json!({}))));
            }
            "LABEL" => {
                let (name, value) = rest.split_once('=').context("a label without a value")?;
                labels.insert(name.to_owned(), serde_json::from_str(value)?);
            }
            "scratch" | "COPY" | "" => {}
            other => anyhow::bail!("the Dockerfile has {other}, which the image doesn't follow"),
        }
    }
    config.insert("ExposedPorts".to_owned(), ports.into());
    config.insert("Volumes".to_owned(), volumes.into());
    config.insert("Labels".to_owned(), labels.into());
    Ok(config.into())
}

/// The blobs of a layout, each named by its digest.
struct Layout<'s> {
    sh: &'s Shell,
    blobs: PathBuf,
}

impl Layout<'_> {
    fn add(&self, value: &Value, media_type: &str) -> Result<Value> {
        let file = self.blobs.join("new");
        self.sh.write_file(&file, value.to_string())?;
        self.take(&file, media_type)
    }

    /// Takes a file in, and returns its descriptor.
    fn take(&self, file: &Path, media_type: &str) -> Result<Value> {
        let digest = digest(self.sh, file)?;
        let size = std::fs::metadata(file)?.len();
        let hash = digest.trim_start_matches("sha256:");
        let blob = self.blobs.join(hash);
        cmd!(self.sh, "mv {file} {blob}").run()?;
        Ok(json!({ "mediaType": media_type, "digest": digest, "size": size }))
    }
}

fn digest(sh: &Shell, file: &Path) -> Result<String> {
    let sum = cmd!(sh, "sha256sum {file}").quiet().read()?;
    let hash = sum.split(' ').next().context("no digest")?;
    Ok(format!("sha256:{hash}"))
}
