//! Sound input of every target, to begin with.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use xz2::stream::{Filters, LzmaOptions, MtStreamBuilder, Stream};
use xz2::write::XzEncoder;

use crate::base::Catalog;
use crate::boot::testing::Lab;
use crate::cluster;
use crate::image::partition::master_boot_record;
use crate::image::xz::{Check, Opened, XzImage};
use crate::release::BootFiles as _;
use crate::release::testing::Base;
use crate::signature::PublisherKey;

/// Returns the seeds of the target `name`.
pub(super) fn of(name: &str) -> Vec<Vec<u8>> {
    match name {
        "authorized_keys" => authorized_keys(),
        "boot_files" => boot_files(),
        "catalog" => catalog(),
        "cluster_file" => cluster_files(),
        "fat" => fat(),
        "gpt" => gpt(),
        "gzip" => gzip(),
        "image_list" => image_list(),
        "mbr" => mbr(),
        "settings" => vec![include_bytes!("../../docs/settings.example").to_vec()],
        "signature" => signature(),
        "status_report" => status_report(),
        "xz_blocks" => xz_blocks(&[]),
        "xz_splice" => xz_blocks(&[2, 0, 0, 7, 1, 0, 9]),
        "xz_index" => xz_index(),
        "xz_headers" | "xz_stream" => xz_files(),
        "zip" => zip(),
        _ => panic!("{name} has no seeds"),
    }
}

fn authorized_keys() -> Vec<Vec<u8>> {
    let text = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let rsa = [
        text(b"ssh-rsa"),
        text(&[1, 0, 1]),
        text(&[&[0][..], &[0xa5; 128]].concat()),
    ]
    .concat();
    let rsa = STANDARD.encode(rsa);
    let ed25519 = &Lab::new().keys[0];
    let lines = format!(
        "# keys\n{ed25519}\n\nfrom=\"10.0.0.0/8\",command=\"echo \\\"a b\\\"\" ssh-rsa {rsa} me@desk\n"
    );
    vec![ed25519.clone().into_bytes(), lines.into_bytes()]
}

fn boot_files() -> Vec<Vec<u8>> {
    let bases = [
        Base::trixie("2026-10-06"),
        Base::bookworm("2024-11-19"),
        Base::bullseye("2023-05-03"),
        Base::buster("2020-02-13"),
    ];
    let names = ["cmdline.txt", "config.txt", "issue.txt", "user-data", "meta-data"];
    let files = bases.map(|base| {
        names
            .map(|name| base.read(name).unwrap().unwrap_or_default())
            .join(&0)
    });
    files.into()
}

fn catalog() -> Vec<Vec<u8>> {
    let entry = Catalog::built_in().unwrap().default().unwrap().clone();
    let text = toml::to_string(&entry).unwrap();
    let newer = text.replace(&entry.date, "2027-01-01");
    let refreshed = format!("default = \"trixie-arm64-2027-01-01\"\n\n[[image]]\n{newer}\n[[image]]\n{text}");
    vec![refreshed.into_bytes()]
}

fn cluster_files() -> Vec<Vec<u8>> {
    let examples = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap();
    let mut files: Vec<_> = examples
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    files.push(cluster::SAMPLE.into());
    files.push(cluster::SAMPLE.replace("\n# ", "\n").replace("\n#", "\n").into());
    files
}

/// Changes to each of the three file systems, at each place.
fn fat() -> Vec<Vec<u8>> {
    let changes = [
        // Nothing, another number of tables, another number of free clusters, a loop in the first chain, a deleted entry, a
        // character behind the end of a long name, a root folder that ends before its last entries, a folder with another
        // long name than its short one, an entry behind the last one.
        vec![],
        vec![0, 16, 0, 1, 1],
        vec![1, 232, 1, 4, 1, 0, 0, 0],
        vec![2, 8, 0, 4, 2, 0, 0, 0, 3, 8, 0, 4, 2, 0, 0, 0],
        vec![4, 32, 0, 1, 0xe5],
        vec![4, 190, 0, 11, 0],
        vec![4, 192, 0, 1, 0],
        vec![4, 179, 0, 1, 4],
        [&[4, 96, 1, 12], &b"overlays/a d"[..]].concat(),
    ];
    let of_system = |system| changes.iter().map(move |change| [&[system][..], change].concat());
    (0..3).flat_map(of_system).collect()
}

/// A header for four entries, and two of them used (UEFI specification 2.10, section 5.3).
fn gpt() -> Vec<Vec<u8>> {
    let mut header = b"EFI PART\0\0\x01\0\x5c\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    for lba in [1_u64, 255, 34, 222] {
        header.extend(lba.to_le_bytes());
    }
    header.extend([7; 16]);
    header.extend(2_u64.to_le_bytes());
    for number in [4_u32, 128, 0] {
        header.extend(number.to_le_bytes());
    }
    let entry = |first: u64, last: u64, id: u8| {
        // Microsoft's basic data, which Linux uses for FAT.
        let kind = b"\xa2\xa0\xd0\xeb\xe5\xb9\x33\x44\x87\xc0\x68\xb6\xb7\x26\x99\xc7";
        let mut entry = [
            &kind[..],
            &[id; 16],
            &first.to_le_bytes(),
            &last.to_le_bytes(),
            &[0; 8],
            b"b\0o\0",
        ]
        .concat();
        entry.resize(128, 0);
        entry
    };
    let entries = [entry(34, 99, 1), entry(100, 222, 2)].concat();
    vec![[&[0][..], &header, &entries].concat()]
}

fn mbr() -> Vec<Vec<u8>> {
    let mut two = master_boot_record(1, &[(0x0c, 1, 2), (0x83, 3, 1)]);
    two.resize(4 * 512, 0);
    let mut gpt = master_boot_record(1, &[(0xee, 1, 3)]);
    gpt.resize(4 * 512, 0);
    vec![two, gpt]
}

fn raw() -> Vec<u8> {
    let lines = (0..600_u32).map(|line| format!("line {} of an image\n", line * line));
    lines.collect::<String>().into_bytes()
}

fn gzip() -> Vec<Vec<u8>> {
    let member = |bytes: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let raw = raw();
    vec![
        member(&raw),
        [member(&raw[..900]), member(&raw[900..1500])].concat(),
    ]
}

fn zip() -> Vec<Vec<u8>> {
    let archive = |method, names: &[&str]| {
        let mut archive = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            let options = ::zip::write::SimpleFileOptions::default().compression_method(method);
            archive.start_file(*name, options).unwrap();
            archive.write_all(&raw()[..3000]).unwrap();
        }
        archive.finish().unwrap().into_inner()
    };
    vec![
        archive(::zip::CompressionMethod::Deflated, &["a.img", "__MACOSX/._a.img"]),
        archive(::zip::CompressionMethod::Stored, &["folder/a.IMG"]),
    ]
}

fn image_list() -> Vec<Vec<u8>> {
    let entry = Catalog::built_in().unwrap().default().unwrap().clone();
    let list = format!(
        r#"{{"os_list": [{{"name": "other", "subitems": [{{"name": "Lite", "url": "{}", "extract_size": 3100000000,
        "extract_sha256": "{}", "image_download_size": 550000000}}]}}]}}"#,
        entry.url, entry.sha256
    );
    let checksum = format!("{}  a.img.xz\n", entry.sha256);
    vec![list.into_bytes(), checksum.into_bytes()]
}

fn status_report() -> Vec<Vec<u8>> {
    let report = r#"{"version":1,"cluster":"homelab","cluster_id":"00","node":"pi4-2","role":"worker","state":"attention",
        "updated":1795000000,"booted":1794999000,"stage":"brick",
        "stages":[{"name":"brick","state":"refused","since":1795000000,"tries":3,"error":"the stick has files"}],
        "addresses":["192.168.1.32"],"swarm":{"state":"active","role":"worker","node_id":"x"},
        "brick":{"state":"mounted","device":"/dev/sda1","size":100,"used":1,"error":""},
        "volume":{"mounted":true,"bricks":4,"online":3,"replica":4,"heal_pending":7}}"#;
    let errors = "ssh: connect to host pi4-2 port 22: No route to host\r\n";
    vec![
        format!("{}\n1795000030\n", report.replace('\n', "")).into_bytes(),
        errors.into(),
    ]
}

/// A signature that is right except for its number, as a packet and as text (RFC 9580, 5.2.3 and 6).
fn signature() -> Vec<Vec<u8>> {
    let fingerprint = PublisherKey::RASPBERRY_PI.fingerprint.0;
    let signed = [
        &[22, 33, 4][..],
        &fingerprint,
        &[5, 2],
        &1_790_000_000_u32.to_be_bytes(),
        &[5, 3],
        &100_000_000_u32.to_be_bytes(),
    ]
    .concat();
    let unsigned = [&[9, 16][..], &fingerprint[12..]].concat();
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    let body = [
        &[4, 0, 1, 10][..],
        &length(&signed),
        &signed,
        &length(&unsigned),
        &unsigned,
        &[0xcf, 0x83],
        &2048_u16.to_be_bytes(),
        &[0xa5; 256],
    ]
    .concat();
    let packet = [&[0x89][..], &length(&body), &body].concat();
    let text = format!(
        "-----BEGIN PGP SIGNATURE-----\n\n{}\n-----END PGP SIGNATURE-----\n",
        STANDARD.encode(&packet)
    );
    vec![packet, text.into_bytes()]
}

/// Compresses with a library's encoder.
fn compressed(raw: &[u8], stream: Stream) -> Vec<u8> {
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

/// Blocks of 4 KiB with their sizes in the headers.
fn in_blocks(raw: &[u8], check: xz2::stream::Check) -> Vec<u8> {
    let mut builder = MtStreamBuilder::new();
    builder.threads(1).preset(6).block_size(4096).check(check);
    compressed(raw, builder.encoder().unwrap())
}

/// One block without sizes in its header.
fn in_one_block(raw: &[u8], filters: &Filters) -> Vec<u8> {
    compressed(
        raw,
        Stream::new_stream_encoder(filters, xz2::stream::Check::None).unwrap(),
    )
}

fn xz_files() -> Vec<Vec<u8>> {
    use xz2::stream::Check;
    let raw = raw();
    let mut options = LzmaOptions::new_preset(6).unwrap();
    let options = options.dict_size(1 << 16);
    let mut noise: Vec<u8> = raw[..3000].to_vec();
    fastrand::Rng::with_seed(1).fill(&mut noise);
    vec![
        in_blocks(&raw, Check::Crc64),
        in_blocks(&raw[..5000], Check::Sha256),
        in_blocks(&[noise, vec![0; 5000]].concat(), Check::Crc32),
        in_one_block(&raw, Filters::new().lzma2(options)),
        in_one_block(&raw, Filters::new().arm64().lzma2(options)),
        // Several chunks, of which a copy may keep the first.
        in_one_block(&vec![0; 5 << 19], Filters::new().lzma2(options)),
        // Two streams, with padding between them.
        [
            in_blocks(&raw, Check::Crc64),
            vec![0; 4],
            in_blocks(&raw, Check::Crc32),
        ]
        .concat(),
    ]
}

/// Returns the structure of a file that has one.
fn structure(file: &[u8]) -> Option<XzImage> {
    match XzImage::open(std::sync::Arc::new(file.to_vec())).unwrap() {
        Opened::Indexed(image) => Some(image),
        Opened::Stream(_) => None,
    }
}

fn number(check: Check) -> u8 {
    match check {
        Check::None => 0,
        Check::Crc32 => 1,
        Check::Crc64 => 4,
        Check::Sha256 => 10,
    }
}

/// The blocks of all files, with `edits` before them.
fn xz_blocks(edits: &[u8]) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for file in xz_files() {
        let Some(image) = structure(&file) else { continue };
        let mut seed = vec![number(image.check)];
        seed.extend(edits);
        for block in &image.blocks {
            let start = usize::try_from(block.offset).unwrap();
            let length = usize::try_from(block.unpadded).unwrap();
            seed.extend(&block.raw_size.to_le_bytes()[..3]);
            seed.extend(&block.unpadded.to_le_bytes()[..2]);
            seed.extend(&file[start..start + length]);
        }
        seeds.push(seed);
    }
    seeds
}

/// The index of all files, without its checksum, after the blocks.
fn xz_index() -> Vec<Vec<u8>> {
    let of_file = |file: Vec<u8>| {
        let image = structure(&file)?;
        let last = image.blocks.last()?;
        let end = usize::try_from(last.offset + last.padded_size()).unwrap();
        let blocks = &file[12..end];
        let length = u16::try_from(blocks.len()).unwrap().to_le_bytes();
        Some(
            [
                &[number(image.check)][..],
                &length,
                blocks,
                &file[end..file.len() - 16],
            ]
            .concat(),
        )
    };
    xz_files().into_iter().filter_map(of_file).collect()
}
