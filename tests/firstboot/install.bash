# install in a root of its own: this machine's programs, its own /etc, /usr/local and /var.

# a_root: a small system at $ROOT with the boot partition's files at /boot/firmware.
a_root() {
    local folder
    ROOT=$WORLD/root
    mkdir "$ROOT"
    mount -t tmpfs firstboot-root "$ROOT"
    mkdir -p "$ROOT"/{usr,etc/ssh,var/lib,tmp,proc,dev,run,boot/firmware/mkimage/secrets,home}
    mount --bind -o ro /usr "$ROOT/usr"
    mount -o remount,bind,ro "$ROOT/usr"
    mount -t tmpfs firstboot-local "$ROOT/usr/local"
    for folder in bin sbin lib lib64; do
        [[ ! -L /$folder ]] || ln -s "usr/$folder" "$ROOT/$folder"
    done
    mount -t proc proc "$ROOT/proc"
    mount --bind /dev "$ROOT/dev"
    for folder in login.defs ld.so.cache nsswitch.conf alternatives pam.d; do
        [[ ! -e /etc/$folder ]] || cp -a "/etc/$folder" "$ROOT/etc/"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n' >"$ROOT/etc/passwd"
    printf 'root:*:1::::::\nada:*:1::::::\n' >"$ROOT/etc/shadow"
    printf 'root:x:0:\nada:x:1000:\ndocker:x:999:\n' >"$ROOT/etc/group"
    printf 'root:*::\nada:!::\n' >"$ROOT/etc/gshadow"
    printf '127.0.0.1 localhost\n127.0.1.1 pi4-2\n' >"$ROOT/etc/hosts"
    printf 'Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n' >"$ROOT/etc/ssh/sshd_config"

    FAT=$ROOT/boot/firmware/mkimage
    cp -R "$FIRSTBOOT/." "$FAT/"
    cp "$FIRSTBOOT/../overlays/cloud-init/mkimage/mechanism" "$FAT/"
    sed "s|^MKIMAGE_BOOT=.*|MKIMAGE_BOOT='/boot/firmware'|" "$WORLD/etc/settings" >"$FAT/settings"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FAT/secrets/host_key"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FAT/secrets/enrolment_key"
    printf 'pi4-2,pi4-2.local %s\n' "$(cut -d ' ' -f 1,2 "$FAT/secrets/host_key.pub")" >"$WORLD/etc/known_hosts"
    printf 'pi4-2 %s\npi4-3;id ssh-ed25519 AAAA\n' "$(cut -d ' ' -f 1,2 "$FAT/secrets/enrolment_key.pub")" >"$WORLD/etc/enrolment_keys"
    describe "$FAT/description" 1
    cp "$WORLD/etc/owner" "$FAT/owner"
    echo certificate >"$FAT/enrolment_certificate"
    rm "$FAT"/secrets/*.pub
    # shellcheck disable=SC2016
    printf '%s\n' '$6$salt$'"$(printf 'x%.0s' {1..86})" >"$FAT/secrets/password_hash"
    cp -R "$FAT/secrets" "$WORLD/secrets"
}

# describe_logins KEY...: the next description has these.
describe_logins() {
    printf '%s\n' "$@" >"$WORLD/etc/authorized_keys"
    describe "$FAT/description" "$(($(sed -n '3s/^generation //p' "$FAT/description") + 1))"
}

# in_chroot COMMAND...: instead of this shell when it is a job of its own, so that a signal reaches the command.
in_chroot() {
    exec chroot "$ROOT" /usr/bin/env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

install_node() {
    (in_chroot sh /boot/firmware/mkimage/install --no-start)
}

# in_root PROGRAM SCRIPT: a program of the root's own.
in_root() {
    mkdir -p "$ROOT/usr/local/sbin"
    printf '#!/bin/sh\n%s\n' "$2" >"$ROOT/usr/local/sbin/$1"
    chmod 0755 "$ROOT/usr/local/sbin/$1"
}

# The state of everything that install makes, without times.
fingerprint() {
    tar -C "$ROOT" --numeric-owner --mtime=@0 --sort=name -cf - etc usr/local var boot | sha256sum
}

secrets_are_safe() {
    local name
    [[ ! -e $FAT/secrets ]]
    for name in host_key enrolment_key password_hash; do
        cmp "$WORLD/secrets/$name" "$ROOT/etc/mkimage/secrets/$name"
        equal "$(stat -c '%a %U' "$ROOT/etc/mkimage/secrets/$name")" '600 root'
    done
    equal "$(stat -c %a "$ROOT/etc/mkimage/secrets")" 700
}

secrets_end_where_only_root_reads_them() { # test, root
    a_root
    install_node
    secrets_are_safe
    # Not a byte of them is left in a file that others may read.
    fails grep -rqF "$(sed -n 3p "$WORLD/secrets/host_key")" "$FAT" "$ROOT/usr/local" "$ROOT/var"
}

installing_again_changes_nothing() { # test, root
    local before
    a_root
    install_node
    before=$(fingerprint)
    install_node
    equal "$(fingerprint)" "$before"
}

# sshd_shows_its_key FILE: by the configuration in FILE, sshd has the host key that is pinned, and it is there.
sshd_shows_its_key() {
    cmp "$WORLD/secrets/host_key" "$ROOT/etc/mkimage/secrets/host_key"
    equal "$(grep -h '^HostKey' "$ROOT/etc/ssh/$1")" 'HostKey /etc/mkimage/secrets/host_key'
}

# cloud-init keeps the promise before anything else starts, and installs after everything else.
sshd_never_shows_another_key() { # test, root
    local try file before
    for file in sshd_config.d/10-mkimage.conf sshd_config; do
        a_root
        [[ $file != sshd_config ]] || printf 'UsePAM yes\n' >"$ROOT/etc/ssh/sshd_config"
        for try in 1 2 3 4 5 6; do
            in_chroot sh /boot/firmware/mkimage/install --promise &
            sleep "0.0$((RANDOM % 10))"
            kill -9 "$!" 2>/dev/null || true
            wait "$!" 2>/dev/null || true
        done
        (in_chroot sh /boot/firmware/mkimage/install --promise)
        sshd_shows_its_key "$file"
        [[ -e $ROOT/etc/systemd/system/mkimage-install.service && ! -e $ROOT/etc/mkimage/installed ]]
        install_node
        secrets_are_safe
        sshd_shows_its_key "$file"
        # At every later start.
        before=$(fingerprint)
        (in_chroot sh /boot/firmware/mkimage/install --promise)
        equal "$(fingerprint)" "$before"
        umount -R "$ROOT"
        rmdir "$ROOT"
        rm -r "$WORLD/secrets"
    done
}

a_running_sshd_is_restarted_and_never_told_to_reload() { # test, root
    a_root
    in_root systemctl 'echo "$*" >>/var/systemctl.log'
    (in_chroot sh /boot/firmware/mkimage/install)
    grep -qx 'restart --no-block ssh.service' "$ROOT/var/systemctl.log"
    fails grep -q 'reload.* ssh' "$ROOT/var/systemctl.log"
}

a_password_is_for_the_console_unless_the_cluster_file_says_otherwise() { # test, root
    a_root
    install_node
    equal "$(grep -h '^[PK].*Authentication' "$ROOT/etc/ssh/sshd_config.d/10-mkimage.conf" | tr '\n' ';')" \
        'PasswordAuthentication no;KbdInteractiveAuthentication no;'
    printf "MKIMAGE_SSH_PASSWORD='yes'\n" >>"$FAT/settings"
    install_node
    equal "$(grep -h '^[PK].*Authentication' "$ROOT/etc/ssh/sshd_config.d/10-mkimage.conf")" 'PasswordAuthentication yes'
    # The other nodes' questions never come with one.
    grep -q '^    PasswordAuthentication no' "$ROOT/etc/ssh/sshd_config.d/10-mkimage.conf"
}

an_install_cut_off_anywhere_is_finished_by_the_next() { # test, root
    local pid try
    a_root
    for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
        in_chroot sh /boot/firmware/mkimage/install --no-start &
        pid=$!
        sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        # The locks of a killed usermod are gone after a real power cut, with the process that they name.
        rm -f "$ROOT"/etc/*.lock
    done
    install_node
    secrets_are_safe
    diff -r "$FIRSTBOOT/lib" "$ROOT/usr/local/lib/mkimage"
    [[ -e $ROOT/etc/mkimage/installed ]]
    [[ ! -e $ROOT/etc/systemd/system/mkimage-install.service ]]
}

a_secret_that_was_being_wiped_does_not_replace_the_good_one() { # test, root
    a_root
    cp -R "$FAT/secrets" "$WORLD/kept"
    install_node
    mkdir "$FAT/secrets"
    head -c "$(wc -c <"$WORLD/kept/host_key")" /dev/zero >"$FAT/secrets/host_key"
    head -c 100 "$WORLD/kept/enrolment_key" >"$FAT/secrets/enrolment_key"
    install_node
    secrets_are_safe
}

a_line_without_a_key_never_reaches_the_authorised_ones() { # test, root
    a_root
    install_node
    equal "$(wc -l <"$ROOT/etc/mkimage/authorized_enrolment")" 2
    contains "$(cat "$ROOT/etc/mkimage/authorized_enrolment")" 'restrict,cert-authority,command="/usr/local/lib/mkimage/answer -" ssh-ed25519 '
    contains "$(cat "$ROOT/etc/mkimage/authorized_enrolment")" 'restrict,command="/usr/local/lib/mkimage/answer pi4-2" ssh-ed25519 '
}

the_own_name_leads_to_the_fixed_address() { # test, root
    a_root
    install_node
    equal "$(grep -c 'pi4-2' "$ROOT/etc/hosts")" 1
    grep -qP '^10\.77\.0\.2\tpi4-2$' "$ROOT/etc/hosts"
    grep -qP '^10\.77\.0\.1\tpi4-1$' "$ROOT/etc/hosts"
    grep -q '^127.0.0.1 localhost$' "$ROOT/etc/hosts"
}

avahi_keeps_off_dockers_interfaces() { # test, root
    a_root
    mkdir "$ROOT/etc/avahi"
    printf '[server]\nuse-ipv4=yes\n#deny-interfaces=eth1\n\n[wide-area]\n' >"$ROOT/etc/avahi/avahi-daemon.conf"
    install_node
    install_node
    equal "$(head -n 2 "$ROOT/etc/avahi/avahi-daemon.conf" | tr '\n' ' ')" '[server] allow-interfaces=eth0,end0,wlan0 '
    equal "$(grep -c '^allow-interfaces' "$ROOT/etc/avahi/avahi-daemon.conf")" 1
    printf '[server]\ndeny-interfaces=wlan0\n' >"$ROOT/etc/avahi/avahi-daemon.conf"
    install_node
    fails grep -q allow-interfaces "$ROOT/etc/avahi/avahi-daemon.conf"
}

rules_that_sshd_does_not_take_are_taken_out_again() { # test, root
    local file
    a_root
    # It takes anything but our rules.
    in_root sshd '! grep -rq "^Match User mkimage" /etc/ssh || { echo "Bad configuration option: Match" >&2; exit 255; }'
    for file in sshd_config.d/10-mkimage.conf sshd_config; do
        install_node
        [[ ! -e $ROOT/etc/ssh/sshd_config.d/10-mkimage.conf ]]
        contains "$(cat "$FAT/firstboot.log")" 'Bad configuration option: Match'
        # The second time without a folder of drop-ins.
        [[ $file == sshd_config ]] || printf 'UsePAM yes\n' >"$ROOT/etc/ssh/sshd_config"
        rm "$FAT/firstboot.log"
    done
    equal "$(cat "$ROOT/etc/ssh/sshd_config")" 'UsePAM yes'
    [[ -e $ROOT/etc/mkimage/installed ]]
    # If sshd would not start anyway, the rules stay.
    in_root sshd 'echo "no hostkeys available" >&2; exit 1'
    install_node
    grep -q '^Match User mkimage' "$ROOT/etc/ssh/sshd_config"
}

a_locale_that_the_image_lacks_is_made() { # test, root
    settings MKIMAGE_LOCALE=de_DE.UTF-8
    a_root
    printf '# de_DE.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\n' >"$ROOT/etc/locale.gen"
    in_root locale 'cat /etc/locales-there'
    in_root locale-gen 'sed "s/^#.*//; s/UTF-8 UTF-8/utf8/" /etc/locale.gen >/etc/locales-there'
    install_node
    install_node
    equal "$(tr '\n' ';' <"$ROOT/etc/locale.gen")" '# de_DE.UTF-8 UTF-8;en_GB.UTF-8 UTF-8;de_DE.UTF-8 UTF-8;'
    equal "$(cat "$ROOT/etc/default/locale")" LANG=de_DE.UTF-8
    # One that cannot be made leaves the system's own.
    in_root locale-gen 'exit 1'
    sed -i 's/de_DE/xx_XX/' "$FAT/settings"
    install_node
    equal "$(cat "$ROOT/etc/default/locale")" LANG=de_DE.UTF-8
    contains "$(cat "$FAT/firstboot.log")" xx_XX.UTF-8
    [[ -e $ROOT/etc/mkimage/installed ]]
}

an_old_sshd_without_include_gets_the_same_rules() { # test, root
    a_root
    printf 'UsePAM yes\nMatch User guest\n    PermitTTY no\n' >"$ROOT/etc/ssh/sshd_config"
    install_node
    install_node
    equal "$(grep -c '^HostKey /etc/mkimage/secrets/host_key' "$ROOT/etc/ssh/sshd_config")" 1
    equal "$(grep -c '^Match User mkimage' "$ROOT/etc/ssh/sshd_config")" 1
    equal "$(sed -n 2p "$ROOT/etc/ssh/sshd_config")" 'HostKey /etc/mkimage/secrets/host_key'
}

the_password_is_the_one_that_was_asked_for() { # test, root
    a_root
    install_node
    equal "$(grep '^ada:' "$ROOT/etc/shadow" | cut -d : -f 2)" "$(cat "$WORLD/secrets/password_hash")"
}

# cloud-init had marked the user as made when the power failed.
the_user_gets_sudo_after_a_cut_in_the_middle_of_its_rule() { # test, root
    a_root
    mkdir -p "$ROOT/etc/sudoers.d"
    # sudo reads no file whose name ends in ~.
    echo 'ada ALL=(ALL) NOPASSWD:ALL' >"$ROOT/etc/sudoers.d/010_mkimage-user.mkimage~"
    install_node
    grep -q '^ada ALL=(ALL) NOPASSWD:ALL$' "$ROOT/etc/sudoers.d/010_mkimage-user"
}

a_user_whom_a_power_cut_took_is_made_after_all() { # test, root
    local user
    a_root
    sed -i '/^ada:/d' "$ROOT"/etc/{passwd,shadow,group,gshadow}
    printf 'sudo:x:27:\n' >>"$ROOT/etc/group"
    describe_logins 'ssh-ed25519 AAAAkey ada@desk' 'ssh-ed25519 AAAAother'
    in_root cloud-init 'exit 1'
    install_node
    grep -q '^ada:' "$ROOT/etc/passwd"
    grep -q '^sudo:.*ada' "$ROOT/etc/group"
    grep -q '^ada ALL=(ALL) NOPASSWD:ALL$' "$ROOT/etc/sudoers.d/010_mkimage-user"
    equal "$(cat "$ROOT/home/ada/.ssh/authorized_keys")" "$(cat "$WORLD/etc/authorized_keys")"
    user=$(grep '^ada:' "$ROOT/etc/passwd" | cut -d : -f 3)
    equal "$(stat -c '%a %u' "$ROOT/home/ada/.ssh/authorized_keys")" "600 $user"
    equal "$(stat -c '%u' "$ROOT/home/ada")" "$user"
    equal "$(grep '^ada:' "$ROOT/etc/shadow" | cut -d : -f 2)" "$(cat "$WORLD/secrets/password_hash")"
    install_node
    equal "$(cat "$ROOT/home/ada/.ssh/authorized_keys")" "$(cat "$WORLD/etc/authorized_keys")"
    # A line that was cut off with its end.
    printf 'ssh-ed25519 AAAAk' >"$ROOT/home/ada/.ssh/authorized_keys"
    install_node
    equal "$(tail -n 2 "$ROOT/home/ada/.ssh/authorized_keys")" "$(cat "$WORLD/etc/authorized_keys")"
}

a_login_key_that_was_taken_out_does_not_stay() { # test, root
    a_root
    describe_logins 'ssh-ed25519 AAAAkey ada@desk' 'ssh-ed25519 AAAAlost'
    install_node
    echo 'ssh-ed25519 AAAAmine added by hand' >>"$ROOT/home/ada/.ssh/authorized_keys"
    describe_logins 'ssh-ed25519 AAAAkey ada@desk' 'ssh-ed25519 AAAAnew'
    install_node
    equal "$(cat "$ROOT/home/ada/.ssh/authorized_keys")" "$(printf '%s\n' 'ssh-ed25519 AAAAkey ada@desk' \
        'ssh-ed25519 AAAAmine added by hand' 'ssh-ed25519 AAAAnew')"
}

# The image's first user cannot log in. The program that renames it and gives it a shell and a home may be cut off after each of these.
a_user_who_was_only_half_made_can_log_in_after_all() { # test, root
    a_root
    sed -i 's|^ada:.*|ada:x:1000:1000::/home/pi:/usr/sbin/nologin|' "$ROOT/etc/passwd"
    mkdir "$ROOT/home/pi"
    echo kept >"$ROOT/home/pi/.profile"
    describe_logins 'ssh-ed25519 AAAAkey ada@desk'
    # Empty, these hold up every program that changes users, forever.
    : >"$ROOT/etc/passwd.lock"
    : >"$ROOT/etc/shadow.lock"
    (in_chroot sh /boot/firmware/mkimage/install --promise)
    install_node
    equal "$(grep '^ada:' "$ROOT/etc/passwd")" 'ada:x:1000:1000::/home/ada:/bin/bash'
    equal "$(cat "$ROOT/home/ada/.profile")" kept
    [[ ! -e $ROOT/home/pi && -s $ROOT/home/ada/.ssh/authorized_keys && -e $ROOT/etc/mkimage/installed ]]
    # One that has chosen another shell keeps it.
    sed -i 's|/bin/bash$|/bin/dash|' "$ROOT/etc/passwd"
    install_node
    grep -q '^ada:.*:/bin/dash$' "$ROOT/etc/passwd"
}

a_user_who_cannot_be_made_holds_up_nothing_and_is_tried_again() { # test, root
    a_root
    sed -i '/^ada:/d' "$ROOT"/etc/{passwd,shadow,group,gshadow}
    in_root cloud-init 'exit 1'
    # shellcheck disable=SC2016
    in_root useradd 'case "$*" in *ada) exit 1 ;; esac; exec /usr/sbin/useradd "$@"'
    install_node
    [[ -e $ROOT/etc/systemd/system/mkimage-firstboot.service && ! -e $ROOT/etc/mkimage/installed ]]
    [[ -e $ROOT/etc/systemd/system/mkimage-install.service ]]
}
