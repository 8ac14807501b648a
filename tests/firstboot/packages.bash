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
