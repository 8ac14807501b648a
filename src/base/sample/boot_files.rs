//! The files of the sample's boot partition: those of a current Raspberry Pi OS Lite image that mkimage reads or changes,
//! and placeholders for firmware, kernels and overlays.

use crate::release::SAMPLE_MARK;

/// The date in `issue.txt`. Images of that date have cloud-init and none of the refused defects.
const DATE: &str = "2026-10-06";

/// Content of a placeholder.
const PLACEHOLDER: &str = "A placeholder in the sample base of mkimage, which does not boot.\n";

/// Firmware, kernels, initial ramdisks and device trees, which identify a 64-bit image and its boards.
const PLACEHOLDERS: &str = "\
    bcm2710-rpi-3-b.dtb bcm2710-rpi-3-b-plus.dtb bcm2710-rpi-cm3.dtb bcm2710-rpi-zero-2-w.dtb
    bcm2711-rpi-4-b.dtb bcm2711-rpi-400.dtb bcm2711-rpi-cm4.dtb bcm2712-rpi-5-b.dtb
    bcm2712-rpi-500.dtb bcm2712-rpi-cm5-cm4io.dtb bcm2712-rpi-cm5-cm5io.dtb bootcode.bin fixup.dat
    fixup4.dat initramfs8 initramfs_2712 kernel8.img kernel_2712.img overlays/README
    overlays/disable-bt.dtbo overlays/disable-wifi.dtbo overlays/dwc2.dtbo overlays/overlay_map.dtb
    overlays/vc4-kms-v3d.dtbo overlays/vc4-kms-v3d-pi4.dtbo start.elf start4.elf";

/// The settings of the real file, with its sections in order.
const CONFIG: &str = "\
# The settings of a Raspberry Pi OS Lite image, in mkimage's sample base.
dtparam=audio=on
camera_auto_detect=1
display_auto_detect=1
auto_initramfs=1
dtoverlay=vc4-kms-v3d
max_framebuffers=2
disable_fw_kms_setup=1
arm_64bit=1
disable_overscan=1
arm_boost=1

[cm4]
otg_mode=1

[cm5]
dtoverlay=dwc2,dr_mode=host

[pi5]
dtoverlay=nospi10

[all]
";

/// The seeds of cloud-init. Like the real ones, they set only the values in `meta-data`, including the misspelt
/// `instance_id`, which cloud-init does not read.
const SEEDS: [(&str, &str); 3] = [
    ("meta-data", "dsmode: local\ninstance_id: rpios-image\n"),
    ("network-config", "# No network is configured here.\n"),
    ("user-data", "#cloud-config\n# No user is configured here.\n"),
];

/// Returns every file as path and text. `signature` is the signature of the disk, whose second partition is the root
/// file system.
pub(super) fn boot_files(signature: u32) -> Vec<(&'static str, String)> {
    let placeholders = PLACEHOLDERS.split_whitespace();
    let mut files: Vec<_> = placeholders.map(|path| (path, PLACEHOLDER.to_owned())).collect();
    files.extend(SEEDS.map(|(path, text)| (path, text.to_owned())));
    files.push(("config.txt", CONFIG.to_owned()));
    files.push((
        "cmdline.txt",
        format!(
            "console=serial0,115200 console=tty1 root=PARTUUID={signature:08x}-02 rootfstype=ext4 fsck.repair=yes rootwait \
             resize\n"
        ),
    ));
    files.push((
        "issue.txt",
        format!(
            "Raspberry Pi reference {DATE}\n{SAMPLE_MARK}, stage2\nThis image does not boot: it has no firmware, no kernel and no \
             system.\n"
        ),
    ));
    files
}
