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
    # With fixed addresses nobody goes by that name.
    printf 'pi4-2 worker 192.168.1.32 yes 10.77.0.2 key2=\n' >"$WORLD/etc/nodes"
    fake busctl 'echo "s \"pi4-2-2\""'
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
