# Recovery of apt after a power cut in the middle of its work.

# dpkg's flag for a package that was being unpacked; apt alone does not unpack it again.
a_package_that_was_cut_off_while_unpacking_is_unpacked_again() { # test
    settings
    fake dpkg-query 'printf "ok glusterfs-common\nreinstreq glusterfs-client\nreinstreq docker.io\n"'
    # shellcheck disable=SC2016
    fake apt-get 'echo "$*" >"$MKIMAGE_RUN/apt.log"'
    fake dpkg 'exit 0'
    with_parts packages reinstall_half_unpacked
    contains "$(cat "$WORLD/run/apt.log")" 'install --reinstall glusterfs-client docker.io'
    rm "$WORLD/run/apt.log"
    fake dpkg-query 'echo "ok glusterfs-client"'
    with_parts packages reinstall_half_unpacked
    [[ ! -e $WORLD/run/apt.log ]]
}

only_the_one_key_vouches_for_dockers_packages() { # test
    local home name fingerprint
    # A short path for the agent's socket.
    home=$(mktemp -d)
    for name in docker stranger; do
        gpg --homedir "$home" --batch --quiet --passphrase '' --quick-generate-key "$name" ed25519 sign never 2>/dev/null
        gpg --homedir "$home" --armor --export "$name" >"$WORLD/$name.asc"
    done
    fingerprint=$(gpg --homedir "$home" --list-keys --with-colons docker | awk -F: '$1 == "fpr" { print $10; exit }')
    gpgconf --homedir "$home" --kill all
    rm -rf "$home"
    settings
    cat "$WORLD/docker.asc" "$WORLD/stranger.asc" >"$WORLD/both.asc"
    with_parts packages "DOCKER_KEY_FINGERPRINT=$fingerprint; is_docker_key '$WORLD/docker.asc'"
    for name in stranger both missing; do
        fails with_parts packages "DOCKER_KEY_FINGERPRINT=$fingerprint; is_docker_key '$WORLD/$name.asc'"
    done
}

proxy_and_mirror_may_change_and_go() { # test
    local list=$WORLD/apt/sources.list other="$WORLD/apt/sources.list.d/debian.sources"
    mkdir "$WORLD/apt/sources.list.d"
    printf '%s\n' 'deb http://deb.debian.org/debian trixie main' 'deb http://deb.debian.org/debian-security trixie-security main' >"$list"
    printf 'URIs: https://deb.debian.org/debian/\n' >"$other"
    cp "$list" "$WORLD/first"
    point() {
        settings "$@"
        with_parts packages point_apt
    }
    point
    cmp "$list" "$WORLD/first"
    [[ ! -e $WORLD/etc/apt-mirror ]]
    point MKIMAGE_APT_PROXY=http://10.0.0.9:3142 MKIMAGE_APT_MIRROR=http://mirror.lan/debian/
    grep -q 'http://10.0.0.9:3142' "$WORLD/apt/apt.conf.d/10mkimage-proxy"
    equal "$(head -n 1 "$list")" 'deb http://mirror.lan/debian/ trixie main'
    grep -q '^URIs: http://mirror.lan/debian/$' "$other"
    # Somebody adds a list later.
    cp "$WORLD/first" "$WORLD/apt/sources.list.d/later.list"
    point MKIMAGE_APT_MIRROR=http://other.lan:80/d.bian
    [[ ! -e $WORLD/apt/apt.conf.d/10mkimage-proxy ]]
    equal "$(cat "$list" "$WORLD/apt/sources.list.d/later.list" | grep -c '^deb http://other.lan:80/d.bian/ trixie main$')" 2
    equal "$(grep -c 'debian-security' "$list")" 1
    point
    equal "$(head -n 1 "$list")" 'deb http://deb.debian.org/debian/ trixie main'
    grep -q '^URIs: http://deb.debian.org/debian/$' "$other"
}

security_updates_come_at_night_and_to_one_node_at_a_time() { # test
    local settings=$WORLD/apt/apt.conf.d/52mkimage-updates timer=$WORLD/units/apt-daily-upgrade.timer.d/10-mkimage.conf at
    mkdir -p "$WORLD/units" "$WORLD/apt/empty"
    update() {
        settings "$@"
        with_parts security-updates set_security_updates
    }
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/../systemctl.log"'
    update MKIMAGE_NODE=pi3-1
    # apt's own reader.
    if command -v apt-config >/dev/null; then
        contains "$(apt-config -o Dir::Etc::parts=/nowhere -c "$settings" dump Unattended-Upgrade)" 'label=Debian-Security'
    fi
    grep -q '"\^gluster"' "$settings"
    at=$(sed -n 's/^OnCalendar=\(..*\)/\1/p' "$timer")
    equal "$at" '*-*-* 03:00'
    systemd-analyze calendar "$at" >/dev/null
    update MKIMAGE_NODE=pi4-1
    grep -qx 'OnCalendar=\*-\*-\* 02:00' "$timer"
    # systemd reads its units again only when they are others.
    equal "$(grep -c daemon-reload "$WORLD/systemctl.log")" 2
    update MKIMAGE_NODE=pi4-1
    equal "$(grep -c daemon-reload "$WORLD/systemctl.log")" 2
    update MKIMAGE_SECURITY_UPDATES=no
    [[ ! -e $settings && ! -e $timer ]]
    # Another node is at it.
    mkdir "$WORLD/others"
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    cat "$MKIMAGE_RUN/../others/$node" 2>/dev/null || exit 255'
    dash "$MKIMAGE_LIB/updates-may-begin"
    printf '%s\n' "cluster $CLUSTER_ID" 'updating yes' >"$WORLD/others/pi4-3"
    fails dash "$MKIMAGE_LIB/updates-may-begin"
}

# a_system_update SAID: apt, which says and installs this.
a_system_update() {
    settings
    : >"$WORLD/apt.log"
    fake systemctl 'exit 3'
    fake dpkg 'exit 0'
    fake df 'printf "Filesystem\nx 1 1 9999 1 /\n"'
    # shellcheck disable=SC2016
    fake dpkg-query 'case "$*" in
        *Version*) cat "$MKIMAGE_RUN/../versions" ;;
        *Eflag*) ;;
        *) echo installed ;;
    esac'
    echo 'sl 1' >"$WORLD/versions"
    # shellcheck disable=SC2016
    fake apt-get 'echo "$*" >>"$MKIMAGE_RUN/../apt.log"
    case "$*" in
        *upgrade*) [ ! -e "$MKIMAGE_RUN/../newer" ] || cat "$MKIMAGE_RUN/../newer" >"$MKIMAGE_RUN/../versions" ;;
    esac
    case "$*" in *"${FAILS:-never}"*) echo "E: no"; exit 100 ;; esac'
}

an_update_says_whether_the_node_has_to_restart() { # test
    a_system_update
    update() {
        dash "$MKIMAGE_LIB/system-update" || true
        cat "$WORLD/run/system-update"
    }
    equal "$(update)" 'done'
    echo 'sl 2' >"$WORLD/newer"
    equal "$(update)" 'done'
    printf '%s\n' 'linux-image-rpi-v8 7' 'sl 2' >"$WORLD/newer"
    equal "$(update)" restart
    # Already there: nothing new.
    equal "$(update)" 'done'
    grep -q 'upgrade --with-new-pkgs' "$WORLD/apt.log"
    fails grep -q 'full-upgrade\|dist-upgrade' "$WORLD/apt.log"
    FAILS=upgrade
    export FAILS
    contains "$(update)" 'failed: the updates could not be installed: E: no'
}

# Only Debian's and Docker's signatures vouch for a package.
no_script_has_apt_take_what_nobody_has_signed() { # test
    fails grep -rniE 'allow-unauthenticated|allow-insecure|allowinsecure|trusted *= *yes|force-yes|no-check-gpg' "$FIRSTBOOT" "$FIRSTBOOT/../overlays"
}

# a_foreign_source_fails: as on a day in 2026, when a key had become too old; what apt was asked is in apt.log. With OFFERED=no, Debian's
# own lists are not there either.
a_foreign_source_fails() {
    settings
    fake dpkg-query '[ -e "$MKIMAGE_RUN/all-installed" ] && echo installed'
    fake dpkg 'exit 0'
    fake df 'printf "Filesystem\nx 1 1 9999 1 /\n"'
    # shellcheck disable=SC2016
    fake apt-get 'echo "$*" >>"$MKIMAGE_RUN/apt.log"
        case "$*" in
            *" update") echo "E: The repository '"'http://archive.raspberrypi.com/debian trixie InRelease'"' is not signed."; exit 100 ;;
            *" install "*) : >"$MKIMAGE_RUN/all-installed" ;;
        esac'
    # shellcheck disable=SC2016
    fake apt-cache '[ "${OFFERED:-yes}" = no ] || echo "  Candidate: 1.0"'
}

what_debian_has_is_installed_when_another_source_fails() { # test
    a_foreign_source_fails
    stage packages
    equal "$CODE" 0
    contains "$(cat "$WORLD/run/apt.log")" 'docker.io'
    contains "$WHY" 'is not signed'
}

nothing_is_installed_while_no_list_has_it() { # test
    a_foreign_source_fails
    OFFERED=no stage packages
    equal "$CODE" 1
    contains "$WHY" 'the package lists cannot be fetched'
    fails grep -q " install " "$WORLD/run/apt.log"
}
