# One session of the lab: a private network, mount and process namespace, a scratch folder, and the end of both.
#
# Everything that the lab makes lives in these namespaces, so the end of its first process, however it comes,
# takes the nodes, the mounts, the loop devices and the bridge with it. It leaves one scratch folder and
# one cgroup, which the process outside removes.
# shellcheck disable=SC2034
# (names set here are read by the other parts)

# Exit code of a session that could not be held here, so that a caller can tell "left out" from "failed".
readonly LAB_LEFT_OUT=77

LAB_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
LAB_PROJECT=$(cd -- "$LAB_DIR/../.." && pwd)
LAB_CACHE=${MKLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mkimage-lab}
readonly LAB_DIR LAB_PROJECT LAB_CACHE

# Milliseconds since 1970.
now_ms() {
    date +%s%3N
}

say() {
    printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2
}

fail() {
    say "LAB FAILED: $*"
    return 1
}

left_out() {
    printf '\n*** THE LAB WAS LEFT OUT: %s ***\n\n' "$*" >&2
    exit "$LAB_LEFT_OUT"
}

# Leaves the lab out, loudly, when this machine cannot hold it.
require_machine() {
    local -A package_of=(
        ["mmdebstrap"]=mmdebstrap ["systemd-nspawn"]=systemd-container ["ip"]=iproute2 ["mkfs.xfs"]=xfsprogs
        ["xfs_io"]=xfsprogs ["mke2fs"]=e2fsprogs ["mkfs.vfat"]=dosfstools ["mcopy"]=mtools ["sfdisk"]=fdisk ["xz"]=xz-utils
        ["busybox"]=busybox-static ["apt-cacher-ng"]=apt-cacher-ng ["jq"]=jq ["curl"]=curl ["ssh"]=openssh-client
        ["unshare"]=util-linux ["python3"]=python3
    )
    local program missing=()
    [[ $(uname -s) == Linux ]] || left_out "it needs Linux"
    ((EUID == 0)) || left_out "it needs root (loop devices, containers, a bridge)"
    for program in "${!package_of[@]}"; do
        command -v -- "$program" >/dev/null || missing+=("${package_of[$program]}")
    done
    ((${#missing[@]} == 0)) || left_out "packages are missing; apt-get install ${missing[*]}"
    [[ -e /dev/fuse ]] || left_out "this kernel has no /dev/fuse, which GlusterFS mounts need"
    [[ -e /dev/net/tun ]] || left_out "this kernel has no /dev/net/tun, which the private network needs where there is no WireGuard"
    [[ -e /dev/loop-control ]] || left_out "this kernel has no loop devices"
}

# enter_session "$0" "$@": runs the script again inside fresh namespaces and cleans up after it.
enter_session() {
    [[ -z ${LAB_SESSION-} ]] || return 0
    require_machine
    mkdir -p -- "$LAB_CACHE"
    LAB_SESSION=mklab-$$
    LAB_SCRATCH=$(mktemp -d -- "${TMPDIR:-/tmp}/$LAB_SESSION.XXXXXX")
    export LAB_SESSION LAB_SCRATCH
    trap leave_session EXIT
    # This shell stays to clean up.
    trap : INT TERM
    (
        take_four_machines_share
        exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private -- "$@"
    ) &
    local child=$! status=0
    wait "$child" || status=$?
    while kill -0 "$child" 2>/dev/null; do
        # unshare blocks what is gentler; its namespaces end with it.
        kill -KILL "$child" 2>/dev/null || true
        wait "$child" || status=$?
    done
    exit "$status"
}

# The scheduler weighs a group like one process; this one holds four machines, whose clocks go on when they starve.
take_four_machines_share() {
    local group=/sys/fs/cgroup/cpu/$LAB_SESSION
    [[ -d ${group%/*} ]] || return 0
    mkdir -- "$group"
    printf '16384\n' >"$group/cpu.shares"
    printf '%s\n' "$BASHPID" >"$group/cgroup.procs"
}

leave_session() {
    local folder
    # Innermost first: a cgroup with children cannot be removed.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        for folder in /sys/fs/cgroup/*/"$LAB_SESSION" /sys/fs/cgroup/"$LAB_SESSION"; do
            [[ -d $folder ]] || continue
            find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
        done
        compgen -G "/sys/fs/cgroup/*/$LAB_SESSION" >/dev/null || break
        sleep 0.5
    done
    if [[ -n ${MKLAB_KEEP-} ]]; then
        say "kept $LAB_SCRATCH"
    else
        rm -rf --one-file-system -- "$LAB_SCRATCH"
    fi
}
