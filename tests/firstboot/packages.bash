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
