# Base images shaped like Raspberry Pi OS Lite: MBR, FAT32 boot partition, ext4 root. The user land is Debian's
# for this machine's own processor, which `mkimage` cannot see and which boots at native speed.

# Packages that a first boot may install, so that the cache holds them all: with and without what apt recommends.
readonly IMAGE_LATER_PACKAGES=(
    docker.io docker-cli docker-compose glusterfs-server glusterfs-client xfsprogs attr gdisk jq
    wireguard-tools nftables avahi-utils libnss-mdns chrony cron restic unattended-upgrades
)

# Packages of Raspberry Pi OS Lite on which a first boot relies.
readonly IMAGE_PACKAGES=(
    systemd-sysv systemd-timesyncd systemd-resolved- dbus udev kmod procps
    cloud-init netplan.io network-manager iproute2 iputils-ping iptables
    openssh-server openssh-client avahi-daemon libnss-mdns ca-certificates curl wget rsync
    sudo parted fdisk dosfstools e2fsprogs exfatprogs util-linux util-linux-extra
    locales tzdata keyboard-configuration console-setup cron gpgv python3 xz-utils zip less
)

# In the place of what a Pi's kernel has and the lab's may lack.
readonly IMAGE_STAND_INS=(wireguard-go)

readonly IMAGE_BOOT_LBA=16384
readonly IMAGE_BOOT_SECTORS=$((512 * 2048))
readonly IMAGE_ROOT_LBA=$((IMAGE_BOOT_LBA + IMAGE_BOOT_SECTORS))
readonly IMAGE_ROOT_MIB=1536

# The Debian mirror: $MKLAB_MIRROR, or where this machine's own packages come from.
IMAGE_MIRROR=${MKLAB_MIRROR-}
if [[ -z $IMAGE_MIRROR ]] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2016 # (apt's own variable)
    IMAGE_MIRROR=$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 '/debian/\?$' || true)
    IMAGE_MIRROR=${IMAGE_MIRROR%/}
fi
readonly IMAGE_MIRROR

# image_recipe_hash: changes when anything that shapes the images does.
image_recipe_hash() {
    cat -- "$LAB_DIR/lib/image.bash" "$LAB_DIR/lib/image_rootfs.sh" - <<<"$IMAGE_MIRROR" | sha256sum | cut -c1-16
}

image_folder() {
    printf '%s/images-%s\n' "$LAB_CACHE" "$(image_recipe_hash)"
}

# image_build_all: makes whatever of the cached images is not there yet; of several at once, one does and the others wait.
image_build_all() {
    local folder lock
    [[ -n $IMAGE_MIRROR ]] || left_out "this machine's apt names no Debian mirror; MKLAB_MIRROR does"
    mkdir -p -- "$LAB_CACHE"
    folder=$(image_folder)
    exec {lock}>"$LAB_CACHE/images.lock"
    flock "$lock"
    [[ -e $folder/complete ]] || image_build_into "$folder"
    exec {lock}>&-
}

image_build_into() {
    local folder=$1 work
    say "building the lab's base images once, into $folder"
    mkdir -p -- "$folder"
    work=$(mktemp -d -- "${TMPDIR:-/tmp}/mklab-image.XXXXXX")
    (
        trap 'packages_stop; rm -rf --one-file-system -- "$work"' EXIT
        packages_start 127.0.0.1 ONLINE
        image_rootfs "$work/rootfs.tar"
        packages_stop
        image_shape "$work" cloud-init 2026-10-06 "$folder/2026-10-06-raspios-trixie-arm64-lite.img.xz"
        image_shape "$work" systemd.run 2025-10-01 "$folder/2025-10-01-raspios-trixie-arm64-lite.img.xz"
    )
    # Archives of recipes that are gone only take room.
    find "$LAB_CACHE" -maxdepth 1 -name 'images-*' ! -path "$folder" -exec rm -rf -- {} +
    : >"$folder/complete"
}

# image_path MECHANISM
image_path() {
    case $1 in
        cloud-init) printf '%s/2026-10-06-raspios-trixie-arm64-lite.img.xz\n' "$(image_folder)" ;;
        systemd.run) printf '%s/2025-10-01-raspios-trixie-arm64-lite.img.xz\n' "$(image_folder)" ;;
    esac
}

# image_rootfs OUT.tar: Debian, and everything that a first boot will ask for into the cache.
image_rootfs() {
    local include
    include=$(
        IFS=,
        printf '%s,%s' "${IMAGE_PACKAGES[*]}" "${IMAGE_STAND_INS[*]}"
    )
    mmdebstrap --quiet --variant=important --include="$include" \
        --aptopt="Acquire::http::Proxy \"http://127.0.0.1:$PACKAGES_PORT\"" \
        --customize-hook="sh '$LAB_DIR/lib/image_rootfs.sh' \"\$1\" ${IMAGE_LATER_PACKAGES[*]}" \
        trixie "$1" "deb $IMAGE_MIRROR trixie main"
}

# image_shape WORK MECHANISM DATE OUT.img.xz
image_shape() {
    local work=$1 mechanism=$2 date=$3 out=$4 id=6d6b6c62 raw=$1/image
    rm -rf -- "${work:?}/root" "${work:?}/boot" "$raw"
    mkdir -- "$work/root" "$work/boot"
    tar -C "$work/root" --numeric-owner -xpf "$work/rootfs.tar"
    if [[ $mechanism == systemd.run ]]; then
        chroot "$work/root" env DEBIAN_FRONTEND=noninteractive dpkg --purge cloud-init >/dev/null
    fi
    image_boot_files "$work/boot" "$mechanism" "$date" "$id"

    truncate -s "$(((IMAGE_ROOT_LBA * 512) + IMAGE_ROOT_MIB * 1048576))" "$raw"
    sfdisk --quiet --no-reread --no-tell-kernel "$raw" <<TABLE
label: dos
label-id: 0x$id
start=$IMAGE_BOOT_LBA, size=$IMAGE_BOOT_SECTORS, type=c
start=$IMAGE_ROOT_LBA, type=83
TABLE
    mkfs.vfat -F 32 -s 1 -n bootfs --offset "$IMAGE_BOOT_LBA" "$raw" $((IMAGE_BOOT_SECTORS / 2)) >/dev/null
    mcopy -s -i "$raw@@$((IMAGE_BOOT_LBA * 512))" "$work"/boot/* ::/
    mke2fs -q -t ext4 -L rootfs -d "$work/root" -E "offset=$((IMAGE_ROOT_LBA * 512))" -F "$raw" "${IMAGE_ROOT_MIB}M"
    # Level 1 with the block size of level 6: many blocks like the real thing, in a fraction of the time.
    xz -T0 -1 --block-size=24MiB --check=crc64 -c "$raw" >"$out.part"
    sha256sum <"$out.part" | cut -d' ' -f1 >"$out.sha256"
    mv -- "$out.part" "$out"
    rm -rf -- "${work:?}/root" "${work:?}/boot" "$raw"
}

# image_boot_files FOLDER MECHANISM DATE DISK-ID
image_boot_files() {
    local folder=$1 mechanism=$2 date=$3 id=$4 blob
    printf 'console=serial0,115200 console=tty1 root=PARTUUID=%s-02 rootfstype=ext4 fsck.repair=yes rootwait resize\n' \
        "$id" >"$folder/cmdline.txt"
    printf '%s\n' '# For more options and information see' '# http://rptl.io/configtxt' 'dtparam=audio=on' \
        'camera_auto_detect=1' 'display_auto_detect=1' 'auto_initramfs=1' 'arm_64bit=1' 'arm_boost=1' '' \
        '[cm4]' 'otg_mode=1' '' '[cm5]' 'dtoverlay=dwc2,dr_mode=host' '' '[all]' >"$folder/config.txt"
    printf 'Raspberry Pi reference %s\nGenerated using pi-gen, https://github.com/RPi-Distro/pi-gen, %s, stage2\n' \
        "$date" 0123456789abcdef0123456789abcdef01234567 >"$folder/issue.txt"
    if [[ $mechanism == cloud-init ]]; then
        printf '#cloud-config\n# The stock file: nothing but comments.\n' >"$folder/user-data"
        printf 'dsmode: local\ninstance_id: rpios-image\n' >"$folder/meta-data"
        printf '# The stock file: nothing but comments.\n' >"$folder/network-config"
    fi
    mkdir -- "$folder/overlays"
    for blob in kernel8.img:9 kernel_2712.img:9 initramfs8:12 initramfs_2712:12 start4.elf:2 bootcode.bin:1 \
        bcm2710-rpi-3-b.dtb:1 bcm2711-rpi-4-b.dtb:1 bcm2712-rpi-5-b.dtb:1 overlays/disable-wifi.dtbo:1; do
        # Incompressible, as the real ones nearly are, and the same at every build.
        openssl enc -aes-128-ctr -nosalt -pass "pass:$blob" -pbkdf2 -in /dev/zero 2>/dev/null |
            head -c "${blob##*:}M" >"$folder/${blob%%:*}" || true
    done
}
