# The programs that the tests need, each as PROGRAM=DEBIAN_PACKAGE.
# shellcheck disable=SC2034
# (tests/all reads the lists)

# Linking Rust programs and building C libraries needs gcc.
readonly BUILD_TOOLS=(gcc=gcc as=binutils ld=binutils)
# tests/image/make names its own.
IMAGE_TOOLS=(fsck.vfat=dosfstools ssh=openssh-client ssh-keygen=openssh-client shellcheck=shellcheck setpriv=util-linux
    unshare=util-linux mount=mount)
mapfile -t -O "${#IMAGE_TOOLS[@]}" IMAGE_TOOLS < <("$(dirname -- "${BASH_SOURCE[0]}")/../image/make" --tools)
readonly IMAGE_TOOLS
# cloud-init itself is never installed (see tests/image/cloud-init), but it runs in Debian's own Python.
readonly CLOUD_INIT_TOOLS=(/usr/bin/python3=python3)
readonly UNIT_TOOLS=(
    gpg=gnupg ssh=openssh-client ssh-keygen=openssh-client openssl=openssl xz=xz-utils shellcheck=shellcheck
)
readonly SHELL_TOOLS=(shellcheck=shellcheck shfmt=shfmt)
readonly FIRSTBOOT_TOOLS=(
    dash=dash busybox=busybox-static jq=jq losetup=mount mkfs.exfat=exfatprogs mkfs.ext4=e2fsprogs
    mkfs.vfat=dosfstools mkfs.xfs=xfsprogs xfs_io=xfsprogs sfdisk=fdisk systemd-analyze=systemd nft=nftables
    shellcheck=shellcheck shfmt=shfmt visudo=sudo getfattr=attr restic=restic
    # A stick that lies: a disk whose answers a program makes up.
    nbdkit=nbdkit nbdfuse=libnbd-bin
)
readonly LAB_TOOLS=(
    apt-cacher-ng=apt-cacher-ng busybox=busybox-static ip=iproute2 iptables=iptables jq=jq mmdebstrap=mmdebstrap
    ps=procps python3=python3 systemd-nspawn=systemd-container curl=curl sfdisk=fdisk mkfs.vfat=dosfstools
    mcopy=mtools mke2fs=e2fsprogs xz=xz-utils ssh-keygen=openssh-client dnsmasq=dnsmasq-base
)

# missing TOOL...: prints the tools whose program is not installed.
missing() {
    local tool
    for tool; do
        command -v "${tool%%=*}" >/dev/null || printf '%s\n' "$tool"
    done
}

# have WHAT TOOL...: succeeds when all tools are installed; leaves WHAT out otherwise.
have() {
    local what=$1 absent
    shift
    absent=$(missing "$@" | sed 's/=.*//' | sort -u | paste -sd ' ')
    [[ -z $absent ]] || {
        leave_out "$what: needs $absent"
        return 1
    }
}

# missing_packages: prints the Debian packages of all tools that are not installed.
missing_packages() {
    local lab=()
    [[ ${TESTS_LAB-} == no ]] || lab=("${LAB_TOOLS[@]}")
    missing "${BUILD_TOOLS[@]}" "${IMAGE_TOOLS[@]}" "${CLOUD_INIT_TOOLS[@]}" "${UNIT_TOOLS[@]}" "${SHELL_TOOLS[@]}" \
        "${FIRSTBOOT_TOOLS[@]}" "${lab[@]}" | sed 's/.*=//' | sort -u
}

# name_missing_tools: tells what is not installed, and how it would be.
name_missing_tools() {
    local packages
    mapfile -t packages < <(missing_packages)
    if ((${#packages[@]} == 0)); then
        echo "everything is installed"
    else
        echo "not installed: ${packages[*]}"
        echo "tests/install, as root, installs them: apt-get install --no-install-recommends ${packages[*]}"
    fi
}

# install_tools: installs what is missing.
install_tools() {
    local packages package said
    if command -v rustup >/dev/null; then
        rustup component add rustfmt clippy >/dev/null 2>&1 || echo "could not add rustfmt and clippy with rustup"
    fi
    mapfile -t packages < <(missing_packages)
    if ((${#packages[@]} == 0)); then
        echo "everything is installed"
        return
    elif ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        echo "installing needs root and apt-get: ${packages[*]}"
        return
    fi
    echo "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -q -o DPkg::Lock::Timeout=300)
    said=$("${apt[@]}" update 2>&1) || echo "apt-get update: $(tail -n 1 <<<"$said")"
    "${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null 2>&1 && return
    # One package that cannot be installed must not keep the others away.
    for package in "${packages[@]}"; do
        said=$("${apt[@]}" install -y --no-install-recommends "$package" 2>&1) ||
            echo "could not install $package: $(tail -n 1 <<<"$said")"
    done
}
