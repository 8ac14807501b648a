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

packages_come_from_the_mirror_and_through_the_proxy() { # test
    local lists=$WORLD/apt/sources.list.d
    export MKIMAGE_APT_FOLDER=$WORLD/apt
    mkdir -p "$lists" "$WORLD/apt/apt.conf.d"
    printf '%s\n' 'deb http://deb.debian.org/debian trixie main' 'deb http://deb.debian.org/debian-security trixie-security main' >"$WORLD/apt/sources.list"
    printf 'URIs: https://deb.debian.org/debian/\n' >"$lists/debian.sources"
    settings MKIMAGE_APT_PROXY=http://192.168.1.9:3142 MKIMAGE_APT_MIRROR=http://mirror.lan/debian/
    with_parts packages point_apt
    equal "$(cat "$WORLD/apt/apt.conf.d/10mkimage-proxy")" 'Acquire::http::Proxy "http://192.168.1.9:3142";'
    equal "$(sed -n 1p "$WORLD/apt/sources.list")" 'deb http://mirror.lan/debian/ trixie main'
    equal "$(sed -n 2p "$WORLD/apt/sources.list")" 'deb http://deb.debian.org/debian-security trixie-security main'
    equal "$(cat "$lists/debian.sources")" 'URIs: http://mirror.lan/debian/'
}

# Only Debian's and Docker's signatures vouch for a package.
no_script_has_apt_take_what_nobody_has_signed() { # test
    fails grep -rniE 'allow-unauthenticated|allow-insecure|allowinsecure|trusted *= *yes|force-yes|no-check-gpg' "$FIRSTBOOT" "$FIRSTBOOT/../overlays"
}
