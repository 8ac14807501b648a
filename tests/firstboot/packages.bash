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
