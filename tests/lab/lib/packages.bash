# The lab's own package cache: apt-cacher-ng with its own folder. Filled while the base image is built, offline
# afterwards, so that a first boot in the lab depends on nobody's mirror.

readonly PACKAGES_PORT=3142
PACKAGES_PID=

# packages_start ADDRESS ONLINE|OFFLINE: serves the cache on ADDRESS:PACKAGES_PORT.
packages_start() {
    local address=$1 mode=$2 folder=$LAB_CACHE/packages offline=0
    [[ $mode == ONLINE ]] || offline=1
    mkdir -p -- "$folder/cache" "$folder/log" "$folder/config"
    : >"$folder/config/acng.conf"
    # The cache is shared by sessions, but only one may write to it; sessions only read.
    apt-cacher-ng -c "$folder/config" ForeGround=1 BindAddress="$address" Port="$PACKAGES_PORT" \
        CacheDir="$folder/cache" LogDir="$folder/log" SocketPath= PidFile= ReportPage= \
        ExThreshold=3650 Offlinemode="$offline" VerboseLog=0 >/dev/null 2>&1 &
    PACKAGES_PID=$!
    local try
    for ((try = 0; try < 100; try++)); do
        if curl -s -o /dev/null --noproxy '*' "http://$address:$PACKAGES_PORT/"; then
            return 0
        fi
        kill -0 "$PACKAGES_PID" 2>/dev/null || break
        sleep 0.1
    done
    fail "apt-cacher-ng does not answer on $address:$PACKAGES_PORT"
}

packages_stop() {
    [[ -n $PACKAGES_PID ]] || return 0
    kill "$PACKAGES_PID" 2>/dev/null || true
    wait "$PACKAGES_PID" 2>/dev/null || true
    PACKAGES_PID=
}

# Answers every request for packages with 503, as a mirror does on a bad day.
packages_start_broken() {
    local address=$1
    python3 "$LAB_DIR/lib/broken_mirror.py" "$address" "$PACKAGES_PORT" &
    PACKAGES_PID=$!
}
