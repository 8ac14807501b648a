shell_files() {
    find "$FIRSTBOOT" -type f ! -path '*/units/*'
}

what_runs_on_the_pi_is_clean_posix_shell() { # test
    mapfile -t files < <(shell_files)
    shellcheck -s sh -- "${files[@]}"
    shfmt -ln posix -i 4 -ci -d "${files[@]}"
    for file in "${files[@]}"; do
        dash -n "$file"
        # busybox's shell is stricter about some things than dash.
        busybox sh -n "$file"
    done
}

the_tests_are_clean() { # test
    shellcheck -x -e SC1090,SC1091,SC2016,SC2034,SC2154 run ./*.bash
}

the_units_are_understood_by_systemd() { # test
    mkdir -p "$WORLD/units"
    sed 's|/bin/sh /usr/local/lib/mkimage/[^ ]*|/bin/true|' "$FIRSTBOOT/lib/units/mkimage-firstboot.service" >"$WORLD/units/mkimage-firstboot.service"
    for unit in mkimage-memory.service mkimage-memory-copy.service mkimage-memory-copy.timer; do
        cp "$FIRSTBOOT/lib/units/$unit" "$WORLD/units/"
    done
    equal "$(systemd-analyze verify --man=no --recursive-errors=no "$WORLD"/units/* 2>&1 | grep mkimage || true)" ''
}
