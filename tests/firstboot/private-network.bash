# The private network: its stage, what WireGuard is told, and the packet filter.

# a_network: an interface that exists, a WireGuard that writes down what it is told, and peers that answer unless they are in $WORLD/away.
a_network() {
    echo 'PRIVATE' >"$WORLD/etc/secrets/wireguard_key"
    : >"$WORLD/run/private-network"
    : >"$WORLD/away"
    # shellcheck disable=SC2016
    fake wg 'echo "$*" >>"$MKIMAGE_RUN/../wg.log"; [ "$1" != syncconf ] || cat >"$MKIMAGE_RUN/../wg.conf"'
    # shellcheck disable=SC2016
    fake nft 'echo "$*" >>"$MKIMAGE_RUN/../nft.log"; [ "$1" != -f ] || cat >"$MKIMAGE_RUN/../filter"'
    echo '2: eth0 inet 192.168.1.32/24 scope global eth0' >"$WORLD/addresses"
    echo 'default via 192.168.1.1 dev eth0 proto dhcp' >"$WORLD/routes"
    # shellcheck disable=SC2016
    fake ip 'world=$MKIMAGE_RUN/..
    case $* in
        "-4 -o address show dev mkimage0 up") [ -e "$world/down" ] || echo "7: mkimage0 inet 10.77.0.2/32 scope global mkimage0" ;;
        "-4 -o address show scope global") cat "$world/addresses" ;;
        "-4 route show default") grep ^default "$world/routes" ;;
        "-4 -o route show table main") cat "$world/routes" ;;
    esac'
    # shellcheck disable=SC2016
    fake ping 'for address; do :; done; ! grep -qx "$address" "$MKIMAGE_RUN/../away"'
    # shellcheck disable=SC2016
    fake getent 'case $2 in pi4-1.local) echo "192.168.1.77 STREAM" ;; *) exit 2 ;; esac'
}

private_status() {
    jq -c . "$WORLD/run/parts/private"
}

nobody_is_looked_for_while_everybody_answers() { # test
    a_network
    stage private-network
    equal "$CODE $WHY" '0 '
    equal "$(private_status)" '{"address":"10.77.0.2","unreachable":[]}'
    [[ ! -e $WORLD/wg.log ]]
}

a_node_that_has_moved_is_found_by_its_name() { # test
    a_network
    printf '10.77.0.1\n10.77.0.3\n' >"$WORLD/away"
    sed -i 's/pi4-3\.local/192.168.1.33/' "$WORLD/etc/nodes"
    stage private-network
    equal "$CODE" 0
    contains "$WHY" 'pi4-1 pi4-3'
    equal "$(private_status)" '{"address":"10.77.0.2","unreachable":["pi4-1","pi4-3"]}'
    equal "$(sort "$WORLD/wg.log")" "$(printf 'set mkimage0 peer %s endpoint %s:51833\n' key1= 192.168.1.77 key3= 192.168.1.33)"
}

a_node_that_is_silent_for_long_may_have_had_a_wrong_clock() { # test
    a_network
    # shellcheck disable=SC2016
    fake wg 'echo "$*" >>"$MKIMAGE_RUN/../wg.log"; [ "$*" != "show mkimage0 endpoints" ] || printf "key1=\t192.168.1.5:51833\nkey3=\t(none)\n"'
    printf '10.77.0.1\n10.77.0.3\n' >"$WORLD/away"
    stage private-network
    fails grep -q remove "$WORLD/wg.log"
    echo "$(($(cut -d . -f 1 /proc/uptime) - 180))" | tee "$WORLD/run/silent-pi4-1" >"$WORLD/run/silent-pi4-3"
    stage private-network
    equal "$CODE" 0
    equal "$(grep -c 'peer key[13]= remove' "$WORLD/wg.log")" 2
    grep -qx 'set mkimage0 peer key1= allowed-ips 10.77.0.1/32 persistent-keepalive 25 endpoint 192.168.1.5:51833' "$WORLD/wg.log"
    grep -qx 'set mkimage0 peer key3= allowed-ips 10.77.0.3/32 persistent-keepalive 25' "$WORLD/wg.log"
    # Not again in the next look.
    stage private-network
    equal "$(grep -c remove "$WORLD/wg.log")" 2
    : >"$WORLD/away"
    stage private-network
    [[ -z $(compgen -G "$WORLD/run/silent-*") ]]
}

a_node_that_nobody_knows_is_only_told() { # test
    a_network
    echo 10.77.0.3 >"$WORLD/away"
    stage private-network
    equal "$CODE" 0
    contains "$WHY" pi4-3
    [[ ! -e $WORLD/wg.log ]]
}

a_network_that_is_gone_is_made_again() { # test
    a_network
    rm "$WORLD/run/private-network"
    # shellcheck disable=SC2016
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/systemctl.log"
    case $1 in restart) : >"$MKIMAGE_RUN/private-network" ;; esac'
    stage private-network
    equal "$CODE" 0
    grep -q 'restart mkimage-private-network.service' "$WORLD/run/systemctl.log"
    rm "$WORLD/run/private-network"
    fake systemctl 'exit 1'
    fake journalctl 'echo "RTNETLINK answers: Operation not supported"'
    stage private-network
    equal "$CODE" 1
    contains "$WHY" 'RTNETLINK answers'
}

a_network_that_has_lost_its_address_is_made_again() { # test
    a_network
    : >"$WORLD/down"
    # shellcheck disable=SC2016
    fake systemctl 'case $1 in restart) rm "$MKIMAGE_RUN/../down"; : >"$MKIMAGE_RUN/private-network" ;; esac'
    stage private-network
    equal "$CODE" 0
    [[ ! -e $WORLD/down ]]
}

a_filter_that_was_flushed_is_loaded_again() { # test
    a_network
    stage private-network
    equal "$CODE" 0
    grep -q 'ip saddr 10.77.0.0/24 drop' "$WORLD/filter"
}

an_overlapping_network_of_the_owner_is_told() { # test
    local route
    for route in 10.77.0.0/24 10.0.0.0/8 10.77.0.128/25 10.77.0.9; do
        a_network
        printf '%s\n' "$route dev tun0 proto kernel" '10.77.0.1 dev mkimage0' '10.76.0.0/16 dev eth1' >>"$WORLD/routes"
        stage private-network
        equal "$CODE" 0
        contains "$WHY" "overlaps $route"
    done
}

other_networks_of_the_owner_do_not_overlap() { # test
    a_network
    printf '%s\n' '10.76.0.0/16 dev eth1' '10.77.1.0/24 dev eth1' >>"$WORLD/routes"
    stage private-network
    equal "$CODE $WHY" '0 '
}

the_owner_is_not_locked_out_of_a_network_of_the_same_range() { # test
    local file line
    for line in 'addresses 2: eth0 inet 10.77.0.40/24 scope global eth0' 'routes default via 10.77.0.254 dev eth0'; do
        a_network
        file=${line%% *}
        echo "${line#* }" >"$WORLD/$file"
        stage private-network
        equal "$CODE" 11
        contains "$WHY" 'in use at your home'
        [[ ! -e $WORLD/run/private-network ]]
        grep -q '24007' "$WORLD/filter"
        fails grep -qE '10.77.0.0/24 drop|daddr 10.77.0.0/24$' "$WORLD/filter"
    done
}

an_address_that_cannot_be_a_nodes_is_not_believed() { # test
    local address
    for address in 127.0.0.1 224.0.0.251 255.255.255.255 0.0.0.0 10.77.0.9; do
        a_network
        echo 10.77.0.1 >"$WORLD/away"
        fake getent "echo '$address STREAM'"
        stage private-network
        equal "$CODE" 0
        [[ ! -e $WORLD/wg.log ]]
    done
}

wireguard_takes_each_address_from_one_key_only() { # test
    a_network
    with_parts private-network make_private_network
    equal "$(cat "$WORLD/wg.conf")" "$(printf '%s\n' '[Interface]' 'PrivateKey = PRIVATE' 'ListenPort = 51833'
    for node in 1 3 4; do
        printf '%s\n' '[Peer]' "PublicKey = key$node=" "AllowedIPs = 10.77.0.$node/32" 'PersistentKeepalive = 25'
    done)"
}

the_key_is_in_no_argument_and_no_file() { # test
    a_network
    with_parts private-network make_private_network
    fails grep -rq PRIVATE "$WORLD/wg.log" "$WORLD/run"
}

the_packet_filter_is_taken_as_a_whole() { # test, root
    # The real nft, in a network of its own.
    with_parts private-network packet_filter >"$WORLD/rules"
    with_parts private-network 'packet_filter overlapping' >"$WORLD/others"
    unshare --net sh -c 'nft -f "$1" && nft -f "$2" && nft -f "$1" && nft list table inet mkimage' sh "$WORLD/rules" "$WORLD/others" >"$WORLD/listed"
    equal "$(grep -c 'type filter hook' "$WORLD/listed")" 4
    grep -q 'ip saddr 10.77.0.0/24 drop' "$WORLD/listed"
}
