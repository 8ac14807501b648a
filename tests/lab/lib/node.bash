# The nodes: containers with a whole systemd in each, started from a flashed card, cut off at any instant.

readonly NODE_CONTROLLERS=(cpuset cpu cpuacct memory devices freezer blkio pids)

node_folder() {
    printf '%s/nodes/%s\n' "$LAB_SCRATCH" "$1"
}

# The node's init as this session sees it, or nothing.
node_init() {
    local folder pid
    folder=$(node_folder "$1")
    [[ -s $folder/init ]] || return 1
    pid=$(<"$folder/init")
    [[ -e /proc/$pid/root/run ]] || return 1
    printf '%s\n' "$pid"
}

node_is_on() {
    node_init "$1" >/dev/null
}

# node_on NODE: power on. Comes back when the node's init runs.
node_on() {
    local node=$1 folder tries
    folder=$(node_folder "$node")
    card_insert "$node"
    [[ -n $(stick_device "$node") ]] || stick_insert "$node" "$folder/stick.img"
    rm -f -- "${folder:?}/off" "$folder/init"
    now_ms >"$folder/on_at"
    node_supervise "$node" "$(stick_device "$node")" >>"$folder/console.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$folder/supervisor"
    for ((tries = 0; tries < 300; tries++)); do
        node_is_on "$node" && return 0
        sleep 0.1
    done
    tail -n 5 -- "$folder/console.log" >&2
    fail "$node does not start"
}

# NODE_ALONE ROOT COMMAND...: without the other nodes' cards. A container's copies of their mounts, which outlive the
# session's own, would keep a card's file system alive after its node was switched off.
# shellcheck disable=SC2016 # (the inner shell expands it)
readonly NODE_ALONE='
    own=$1
    shift
    while read -r place; do
        [[ $place == "$own" ]] || umount -- "$place"
    done < <(cut -d" " -f5 /proc/self/mountinfo | grep -x "${own%/*/root}/[^/]*/root")
    exec "$@"
'

# Runs the node until it is switched off; a reboot starts it again with the command line it has by then.
node_supervise() {
    local node=$1 stick=$2 folder status nspawn init words bind credential
    folder=$(node_folder "$node")
    trap - EXIT
    while [[ ! -e $folder/off ]]; do
        node_cgroup "$node"
        network_plug "$node"
        [[ ! -e $folder/cable-out ]] || network_cable "$node" out
        # The words that are for the kernel and its initramfs mean nothing to a container's init.
        words=$(xargs -n 1 <"$folder/boot/cmdline.txt" | grep -vE '^(init=|root=|resize|rootwait|console=|fsck|systemd\.set_credential)' || true)
        bind=()
        [[ -z $stick ]] || bind=("--bind=$stick:/dev/sda")
        # Only outside of containers does systemd take credentials from the command line.
        credential=$(xargs -n 1 <"$folder/boot/cmdline.txt" | sed -n 's/^systemd\.set_credential_binary=//p')
        if [[ -n $credential ]]; then
            base64 --decode <<<"${credential#*:}" >"$folder/credential"
            bind+=("--load-credential=${credential%%:*}:$folder/credential")
        fi
        # shellcheck disable=SC2086 # (the command line's words are words)
        SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_LOCK=0 \
            unshare --mount --propagation private -- bash -c "$NODE_ALONE" bash "$folder/root" \
            systemd-nspawn --quiet --register=no --keep-unit --console=read-only \
            --directory="$folder/root" --machine="$node" --boot \
            --network-namespace-path="/run/netns/$node" --resolv-conf=off --timezone=off --link-journal=no \
            --capability=all --drop-capability=CAP_SYS_TIME --system-call-filter="@keyring bpf add_key keyctl" \
            --bind="$folder/boot:/boot/firmware" --bind=/dev/fuse --bind=/dev/net/tun "${bind[@]}" -- $words &
        nspawn=$!
        init=
        while [[ -z $init ]] && kill -0 "$nspawn" 2>/dev/null; do
            init=$(pgrep -P "$nspawn" -x systemd || true)
            [[ -n $init ]] || sleep 0.05
        done
        if [[ -n $init ]]; then
            node_writable_cgroups "$init"
            printf '%s\n' "$init" >"$folder/init"
        fi
        status=0
        wait "$nspawn" || status=$?
        rm -f -- "$folder/init"
        network_unplug "$node"
        # 133 is a reboot; anything else is a node that is off.
        ((status == 133)) || break
    done
    rm -f -- "$folder/supervisor"
}

# Puts the calling process where the node's processes are to be counted.
node_cgroup() {
    local controller folder parent
    for controller in "${NODE_CONTROLLERS[@]}" systemd; do
        parent=/sys/fs/cgroup/$controller
        [[ -d $parent ]] || continue
        folder=$parent/$LAB_SESSION/$1
        mkdir -p -- "$folder"
        if [[ $controller == cpuset ]]; then
            for folder in "$parent/$LAB_SESSION" "$parent/$LAB_SESSION/$1"; do
                cat -- "$parent/cpuset.cpus" >"$folder/cpuset.cpus"
                cat -- "$parent/cpuset.mems" >"$folder/cpuset.mems"
            done
        fi
        printf '%s\n' "$BASHPID" >"$folder/cgroup.procs"
    done
    if [[ -d /sys/fs/cgroup/unified ]]; then
        mkdir -p -- "/sys/fs/cgroup/unified/$LAB_SESSION/$1"
        printf '%s\n' "$BASHPID" >"/sys/fs/cgroup/unified/$LAB_SESSION/$1/cgroup.procs"
    fi
}

# nspawn hands the controllers over read-only; Docker in the node needs to make groups of its own.
node_writable_cgroups() {
    # shellcheck disable=SC2016 # (the node's shell expands it)
    timeout 20 nsenter -t "$1" -m -C -- /bin/sh -c '
        for controller; do
            place=/sys/fs/cgroup/$controller
            [ -d "$place" ] || continue
            umount "$place" 2>/dev/null || true
            mount -t cgroup -o "$controller" "$controller" "$place"
        done
    ' sh "${NODE_CONTROLLERS[@]}" || true
}

# node_cut NODE...: pulls the plugs, of all of them at once. Data that was not on the media yet is lost.
node_cut() {
    local node init pids=()
    for node; do
        : >"$(node_folder "$node")/off"
        init=$(node_init "$node") || continue
        pids+=("$init")
    done
    for node; do
        node_drop_unwritten "$node"
    done
    ((${#pids[@]} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null || true
    for node; do
        node_wait_off "$node"
    done
}

# node_off NODE...: switched off as a careful person does, all of them at once.
node_off() {
    local node
    for node; do
        : >"$(node_folder "$node")/off"
        in_node "$node" systemctl --no-block poweroff || true
    done
    for node; do
        node_wait_off "$node"
    done
}

# Prints where the node's stick is mounted, as this session sees it; nothing if it is not.
node_stick_mount() {
    local init mount
    init=$(node_init "$1") || return 0
    mount=$(awk '$1 == "/dev/sda" && $3 == "xfs" { print $2; exit }' "/proc/$init/mounts")
    [[ -z $mount ]] || printf '%s\n' "/proc/$init/root$mount"
}

# Stops the file systems without letting them write anything more, as a power cut does; killed processes alone
# would leave every write in the host's memory to arrive later.
node_drop_unwritten() {
    local folder mount
    folder=$(node_folder "$1")
    mount=$(node_stick_mount "$1")
    if [[ -n $mount ]]; then
        stick_hold "$1" "$mount"
        timeout 10 xfs_io -x -c shutdown "$mount" 2>/dev/null || true
    fi
    if is_mounted "$folder/root"; then
        timeout 10 xfs_io -x -c shutdown "$folder/root" 2>/dev/null || true
    fi
}

node_wait_off() {
    local node=$1 folder supervisor tries=0
    folder=$(node_folder "$node")
    if [[ -s $folder/supervisor ]]; then
        # Not always this shell's own child: a drill may go on with the nodes of the one before.
        supervisor=$(<"$folder/supervisor")
        while [[ -e $folder/supervisor ]] && kill -0 "$supervisor" 2>/dev/null; do
            ((++tries % 5 != 0)) || stick_thaw "$node"
            sleep 0.1
        done
        rm -f -- "$folder/supervisor"
    fi
    network_unplug "$node"
    stick_let_go "$node"
    stick_wait_free "$node"
    card_eject "$node"
}

# in_node NODE [-t SECONDS] COMMAND...
in_node() {
    local node=$1 limit=60 init
    shift
    if [[ $1 == -t ]]; then
        limit=$2
        shift 2
    fi
    init=$(node_init "$node") || {
        fail "$node is off"
        return 1
    }
    timeout "$limit" nsenter -t "$init" -a -- \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# node_status NODE: its status.json, or nothing while there is none.
node_status() {
    local init
    init=$(node_init "$1") || return 0
    cat -- "/proc/$init/root/run/mkimage/status.json" 2>/dev/null || true
}

# node_state NODE: working, done, attention, or "none".
node_state() {
    local state
    state=$(node_status "$1" | jq -r '.state // empty' 2>/dev/null || true)
    printf '%s\n' "${state:-none}"
}
