# The docker stage, and what Docker's services wait for.

a_docker() {
    # shellcheck disable=SC2016
    fake docker 'case "$*" in *MemoryLimit*) echo true ;; esac'
    fake id 'exit 0'
    fake usermod 'exit 0'
    export MKIMAGE_DAEMON_JSON=$WORLD/daemon.json
    fake nmcli 'exit 0'
    fake systemctl 'echo "$*" >>"'"$WORLD"'/systemctl.log"'
}

avahi_that_renamed_itself_is_told_its_own_name_again() { # test
    a_docker
    printf 'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=\n' >"$WORLD/etc/nodes"
    fake busctl 'echo "s \"pi4-2-2\""'
    with_parts mdns keep_own_mdns_name
    grep -qx 'restart avahi-daemon.service' "$WORLD/systemctl.log"
    rm "$WORLD/systemctl.log"
    fake busctl 'echo "s \"pi4-2\""'
    with_parts mdns keep_own_mdns_name
    fails grep -q restart "$WORLD/systemctl.log"
}

dhcpcd_keeps_off_dockers_interfaces_also_with_a_fixed_address() { # test
    a_docker
    export MKIMAGE_DHCPCD_CONF=$WORLD/dhcpcd.conf
    printf 'hostname\n\ninterface eth0\nstatic ip_address=192.168.1.32/24\n' >"$WORLD/dhcpcd.conf"
    with_parts interfaces dhcpcd_leaves_interfaces_alone
    # Behind "interface" it would be a setting of that one only.
    equal "$(grep -E '^(denyinterfaces|interface) ' "$WORLD/dhcpcd.conf" | cut -d ' ' -f 1 | tr '\n' ' ')" 'denyinterfaces interface '
    equal "$(tail -n 4 "$WORLD/dhcpcd.conf" | head -n 1)" hostname
    cp "$WORLD/dhcpcd.conf" "$WORLD/first"
    with_parts interfaces dhcpcd_leaves_interfaces_alone
    cmp "$WORLD/dhcpcd.conf" "$WORLD/first"
    equal "$(wc -l <"$WORLD/systemctl.log")" 1
}

# a_docker_that_starts_without_its_networks STATE: its unit's state, and its complaint from this start of the system or an earlier one.
a_docker_that_starts_without_its_networks() {
    mkdir -p "$WORLD/network/files"
    echo half >"$WORLD/network/files/local-kv.db"
    # shellcheck disable=SC2016
    fake systemctl 'case "$*" in
        *is-failed*) [ '"$1"' = failed ] ;;
        *is-active*) exit 3 ;;
        *start*docker.service*) [ ! -e "$MKIMAGE_RUN/../network/files/local-kv.db" ] && : >"$MKIMAGE_RUN/../up" ;;
    esac'
    fake sleep 'exit 0'
    # shellcheck disable=SC2016
    fake docker '[ -e "$MKIMAGE_RUN/../up" ] && echo 26'
    # shellcheck disable=SC2016
    fake journalctl 'case "$*" in
        *"-b"*) [ -e "$MKIMAGE_RUN/../this-boot" ] || exit 0 ;;
    esac
    echo "failed to start daemon: cannot create network a (docker0): conflicts with network b (docker0): networks have same bridge name"'
    MKIMAGE_DAEMON_JSON=$WORLD/daemon.json MKIMAGE_DHCPCD_CONF=$WORLD/dhcpcd.conf
    export MKIMAGE_DAEMON_JSON MKIMAGE_DHCPCD_CONF
    fake id 'exit 0'
    fake usermod 'exit 0'
}

half_made_networks_are_made_again() { # test
    a_docker_that_starts_without_its_networks failed
    : >"$WORLD/this-boot"
    stage docker
    [[ -e $WORLD/up ]]
}

# half_a_swarm_that_docker_falls_over STATE: the power failed while this node, the first manager, was making it.
half_a_swarm_that_docker_falls_over() {
    a_docker_that_starts_without_its_networks "$1"
    rm -r "$WORLD/network"
    mkdir -p "$WORLD/swarm/raft" "$WORLD/swarm/certificates"
    : >"$WORLD/swarm/raft/0.wal"
    sed -i 's|network/files/local-kv.db|swarm/raft/0.wal|' "$WORLD/bin/systemctl"
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager
    echo card >"$WORLD/run/state-place"
    with_parts beginnings 'note_beginning swarm'
}

half_a_swarm_is_forgotten_once_when_docker_falls_over_it() { # test
    half_a_swarm_that_docker_falls_over failed
    stage docker
    [[ -e $WORLD/up ]]
    equal "$(ls -A "$WORLD/swarm")" ''
    # Not again: then it is something else.
    rm "$WORLD/up"
    mkdir "$WORLD/swarm/raft"
    : >"$WORLD/swarm/raft/0.wal"
    stage docker
    [[ -e $WORLD/swarm/raft/0.wal ]]
}

a_swarm_stays_that_was_whole_or_may_become_so() { # test
    half_a_swarm_that_docker_falls_over activating
    stage docker
    [[ -e $WORLD/swarm/raft/0.wal ]]
    half_a_swarm_that_docker_falls_over failed
    with_parts notes 'note swarm-was ca'
    stage docker
    [[ -e $WORLD/swarm/raft/0.wal ]]
    half_a_swarm_that_docker_falls_over failed
    find "$WORLD" -name swarm-was -delete
    echo other-place >"$WORLD/var-lib/swarm-begun"
    stage docker
    [[ -e $WORLD/swarm/raft/0.wal ]]
    rm "$WORLD/var-lib/swarm-begun"
    stage docker
    [[ -e $WORLD/swarm/raft/0.wal ]]
}

networks_stay_while_docker_is_only_starting() { # test
    a_docker_that_starts_without_its_networks activating
    : >"$WORLD/this-boot"
    stage docker
    equal "$(cat "$WORLD/network/files/local-kv.db")" half
}

networks_stay_when_docker_complained_before_a_restart_of_the_system() { # test
    a_docker_that_starts_without_its_networks failed
    stage docker
    equal "$(cat "$WORLD/network/files/local-kv.db")" half
}

avahi_follows_a_network_adapter_that_is_plugged_in() { # test
    export MKIMAGE_AVAHI=$WORLD/avahi.conf MKIMAGE_INTERFACES=$WORLD/interfaces
    settings
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/systemctl.log"'
    mkdir -p "$WORLD"/interfaces/{lo,eth0,docker0,br-12,veth3,mkimage0}
    printf '[server]\nallow-interfaces=eth0,end0,wlan0\n\n[wide-area]\n' >"$WORLD/avahi.conf"
    with_parts mdns keep_own_mdns_name
    fails grep -q try-restart "$WORLD/run/systemctl.log"
    mkdir "$WORLD/interfaces/enx00e04c680001"
    with_parts mdns keep_own_mdns_name
    equal "$(grep interfaces "$WORLD/avahi.conf")" 'allow-interfaces=eth0,end0,wlan0,enx00e04c680001'
    grep -q 'try-restart --no-block avahi-daemon.service' "$WORLD/run/systemctl.log"
    # The choice of somebody stays.
    printf '[server]\nallow-interfaces=eth0\n' >"$WORLD/avahi.conf"
    with_parts mdns keep_own_mdns_name
    equal "$(grep interfaces "$WORLD/avahi.conf")" 'allow-interfaces=eth0'
}
