# shellcheck shell=bash disable=SC2016,SC2154 # quoted commands are expanded on the node; see "Set by the caller"
# Tests network time that is missing at first and then available. Needs a machine without a network.
# Set by the caller: here, work, deadline, started.

time_server_pid=

require_no_way_out() {
    if [[ -n $(ip route show 2>/dev/null) ]] && ip route get 192.0.2.1 >/dev/null 2>&1; then
        echo "--no-clock is for a network without a way out: tests/lab/drill no-clock" >&2
        exit 2
    fi
}

start_time_server() {
    python3 "$here/time_server.py" 127.0.0.1 >"$work/logs/time-server.log" 2>&1 &
    time_server_pid=$!
}

stop_time_server() {
    [[ -z $time_server_pid ]] || kill "$time_server_pid" 2>/dev/null || true
    time_server_pid=
}

# Compares the node's clock with this machine's, which served the time. An emulated board is slow to answer.
clock_is_right() {
    local theirs ours
    theirs=$(login 'date +%s')
    ours=$(date +%s)
    printf 'the node: %s, here: %s\n' "$theirs" "$ours"
    ((theirs - ours < 30 && ours - theirs < 30))
}

check_clock() {
    check "it goes on without the network's time, and says so" \
        wait_on_node "grep -q 'no time from the network yet' /run/mkimage/status.json"
    start_time_server
    check "the network's time is taken when it is there" \
        wait_on_node 'test "$(timedatectl show -p NTPSynchronized --value)" = yes'
    check "the clock is right then" clock_is_right
    check "and nothing is complained of any more" \
        wait_on_node "! grep -q 'no time from the network yet' /run/mkimage/status.json"
    stop_time_server
}
