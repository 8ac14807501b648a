# A node's own address while it runs.

# an_address: 192.168.1.32, which the node has and has been told; its router answers.
an_address() {
    printf '%s\n' 'networkd [Network]' 'networkd Address=192.168.1.32/24' 'dhcpcd interface eth0' 'dhcpcd static ip_address=192.168.1.32/24' \
        'NetworkManager [connection]' 'NetworkManager id=mkimage-cable' 'NetworkManager ' 'NetworkManager [ipv4]' \
        'NetworkManager address1=192.168.1.32/24' >"$WORLD/network"
    cp "$WORLD/network" "$WORLD/etc/address"
    sed -i 's/^MKIMAGE_GATEWAY=.*/MKIMAGE_GATEWAY=192.168.1.1/' "$WORLD/etc/settings"
    describe "$WORLD/etc/description" 5
    : >"$WORLD/log"
    # shellcheck disable=SC2016
    fake systemctl 'echo "systemctl $*" >>"$MKIMAGE_RUN/../log"; [ "$1" != is-active ] || [ "$3" = "$(cat "$MKIMAGE_RUN/../manager").service" ]'
    # shellcheck disable=SC2016
    fake nmcli 'echo "nmcli $*" >>"$MKIMAGE_RUN/../log"'
    # shellcheck disable=SC2016
    fake networkctl 'echo "networkctl $*" >>"$MKIMAGE_RUN/../log"'
    # shellcheck disable=SC2016
    fake ip 'case $* in
        "-4 -o addr show scope global dynamic") grep dynamic "$MKIMAGE_RUN/../addresses" ;;
        "-4 -o addr show scope global") cat "$MKIMAGE_RUN/../addresses" ;;
        *neigh*) cat "$MKIMAGE_RUN/../neighbours" 2>/dev/null ;;
    esac'
    fake sleep 'exit 0'
    echo "${1-systemd-networkd}" >"$WORLD/manager"
    has_address 192.168.1.32
}

has_address() {
    echo "2: eth0 inet $1/24 brd 192.168.1.255 scope global eth0" >"$WORLD/addresses"
}

# the_address_becomes ADDRESS
the_address_becomes() {
    sed -i "s/192.168.1.32/$1/" "$WORLD/network"
    describe "$WORLD/etc/description" 6
    sed -i "s|^MKIMAGE_ADDRESS=.*|MKIMAGE_ADDRESS='$1/24'|" "$WORLD/etc/settings"
}

an_address_that_is_right_is_left_alone() { # test
    an_address
    stage address
    equal "$CODE" 0
    fails grep -q networkctl "$WORLD/log"
}

each_program_is_told_of_a_new_address_once() { # test
    local program file
    mkdir -p "$WORLD/etc/NetworkManager/system-connections"
    printf '%s\n' '[wifi]' 'ssid=1;' '' '[ipv4]' 'address1=192.168.1.32/24' >"$WORLD/etc/NetworkManager/system-connections/mkimage-wifi.nmconnection"
    printf '%s\n' hostname '# mkimage begins' old '# mkimage ends' >"$WORLD/etc/dhcpcd.conf"
    for program in NetworkManager:nmcli dhcpcd:'systemctl restart dhcpcd' systemd-networkd:'networkctl reload'; do
        an_address "${program%%:*}"
        the_address_becomes 192.168.1.42
        has_address 192.168.1.42
        stage address
        equal "$CODE" 0
        grep -q "${program#*:}" "$WORLD/log"
        : >"$WORLD/log"
        stage address
        equal "$CODE $(grep -c "${program#*:}" "$WORLD/log")" '0 0'
    done
    for file in NetworkManager/system-connections/mkimage-cable.nmconnection NetworkManager/system-connections/mkimage-wifi.nmconnection \
        dhcpcd.conf systemd/network/05-mkimage.network; do
        grep -q '192\.168\.1\.42' "$WORLD/etc/$file"
        fails grep -q '192\.168\.1\.32' "$WORLD/etc/$file"
    done
    grep -q 'ssid=1;' "$WORLD/etc/NetworkManager/system-connections/mkimage-wifi.nmconnection"
    equal "$(grep -c . "$WORLD/etc/dhcpcd.conf")" 5
}

an_address_that_does_not_work_is_given_up_for_an_hour() { # test
    an_address
    the_address_becomes 192.168.1.42
    stage address
    equal "$CODE" 1
    contains "$WHY" 'its old one again'
    grep -q '192\.168\.1\.32' "$WORLD/etc/systemd/network/05-mkimage.network"
    equal "$(grep -c networkctl "$WORLD/log")" 2
    stage address
    equal "$CODE $(grep -c networkctl "$WORLD/log")" '1 2'
    touch -d '-61 minutes' "$WORLD/run/address-failed"
    has_address 192.168.1.42
    stage address
    equal "$CODE" 0
    grep -q '192\.168\.1\.42' "$WORLD/etc/systemd/network/05-mkimage.network"
}

an_address_that_is_left_over_is_not_one_by_dhcp() { # test
    local address
    become_dhcp() {
        an_address
        printf '%s\n' 'networkd [Network]' 'networkd DHCP=ipv4' >"$WORLD/network"
        describe "$WORLD/etc/description" 6
        sed -i "s|^MKIMAGE_ADDRESS=.*|MKIMAGE_ADDRESS='dhcp'|" "$WORLD/etc/settings"
        rm -f "$WORLD/run/address-failed"
    }
    for address in 192.168.1.32 169.254.7.9; do
        become_dhcp
        has_address "$address"
        stage address
        equal "$CODE" 1
        contains "$WHY" 'its old one again'
        grep -q '192\.168\.1\.32' "$WORLD/etc/systemd/network/05-mkimage.network"
    done
    # Given for good, or one that begins with the same digits.
    for address in 192.168.1.87 192.168.1.3; do
        become_dhcp
        has_address "$address"
        stage address
        equal "$CODE" 0
    done
    # The same one, from the router.
    become_dhcp
    has_address 192.168.1.32
    sed -i 's/ eth0$/ dynamic eth0/' "$WORLD/addresses"
    stage address
    equal "$CODE" 0
    grep -q 'DHCP=ipv4' "$WORLD/etc/systemd/network/05-mkimage.network"
}

a_router_that_answers_no_ping_is_a_router() { # test
    an_address
    fake ping 'exit 1'
    the_address_becomes 192.168.1.42
    has_address 192.168.1.42
    echo '192.168.1.1 dev eth0 lladdr 02:00:00:00:00:01 STALE' >"$WORLD/neighbours"
    stage address
    equal "$CODE" 0
    an_address
    the_address_becomes 192.168.1.43
    has_address 192.168.1.43
    echo '192.168.1.1 dev eth0 FAILED' >"$WORLD/neighbours"
    stage address
    equal "$CODE" 1
}

a_network_that_nothing_manages_needs_a_new_card() { # test
    an_address ifupdown
    the_address_becomes 192.168.1.42
    stage address
    equal "$CODE" 11
    contains "$WHY" 'new card'
}
