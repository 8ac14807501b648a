# The lab's own package cache: apt-cacher-ng with its own folder. Filled while the base image is built, offline
# afterwards, so that a first boot in the lab depends on nobody's mirror.

# Not apt-cacher-ng's own, where the machine's may be listening.
readonly PACKAGES_PORT=13142

# In a file, because a drill is a shell of its own and may end before it has put back what it broke.
packages_pid_file() {
    printf '%s/packages.pid\n' "${LAB_SCRATCH:-$LAB_CACHE}"
}

# packages_start ADDRESS ONLINE|OFFLINE: serves the cache on ADDRESS:PACKAGES_PORT.
packages_start() {
    local address=$1 mode=$2 folder=$LAB_CACHE/packages offline=0 pid
    [[ $mode == ONLINE ]] || offline=1
    mkdir -p -- "$folder/cache" "$folder/log" "$folder/config"
    : >"$folder/config/acng.conf"
    # The cache is shared by sessions, but only one may write to it; sessions only read.
    apt-cacher-ng -c "$folder/config" ForeGround=1 BindAddress="$address" Port="$PACKAGES_PORT" \
        CacheDir="$folder/cache" LogDir="$folder/log" SocketPath= PidFile= ReportPage= \
        ExThreshold=3650 Offlinemode="$offline" VerboseLog=0 >/dev/null 2>&1 &
    pid=$!
    printf '%s\n' "$pid" >"$(packages_pid_file)"
    local try
    for ((try = 0; try < 100; try++)); do
        if curl -s -o /dev/null --noproxy '*' "http://$address:$PACKAGES_PORT/"; then
            return 0
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    fail "apt-cacher-ng does not answer on $address:$PACKAGES_PORT"
}

packages_stop() {
    local file pid
    file=$(packages_pid_file)
    [[ -s $file ]] || return 0
    pid=$(<"$file")
    kill "$pid" 2>/dev/null || true
    # Not always this shell's own child.
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
    done
    rm -f -- "$file"
}

# Answers every request for packages with 503, as a mirror does on a bad day.
packages_start_broken() {
    local address=$1
    python3 "$LAB_DIR/lib/broken_mirror.py" "$address" "$PACKAGES_PORT" &
    printf '%s\n' "$!" >"$(packages_pid_file)"
}
