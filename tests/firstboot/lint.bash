# Judges the scripts themselves: their syntax, their variables, and what each one declares.

shell_files() {
    find "$FIRSTBOOT" "$FIRSTBOOT"/../overlays/*/mkimage -type f ! -path '*/units/*' ! -name '.*'
}

what_runs_on_the_pi_is_clean_posix_shell() { # test
    local file files
    mapfile -t files < <(shell_files)
    shfmt -ln posix -i 4 -ci -d "${files[@]}"
    for file in "${files[@]}"; do
        dash -n "$file"
        # busybox's shell is stricter about some things than dash.
        busybox sh -n "$file"
    done
}

# declared FILE: the parts that it uses.
declared() {
    sed -n 's/^use //p' "$1" | tr ' ' '\n'
}

# closure FILE: the parts that it uses, and those that they use, each once and in the order in which they are sourced.
closure() {
    local part
    for part in $(declared "$1"); do
        [[ -z ${SOURCED[$part]-} ]] || continue
        SOURCED[$part]=yes
        closure "$FIRSTBOOT/lib/$part"
        CLOSURE+=("$part")
    done
}

# alone FILE: a script that sources exactly what FILE does, as shellcheck can follow it, and ends with FILE's own lines.
alone() {
    local -A SOURCED=()
    local -a CLOSURE=()
    closure "$1"
    printf '. %s/etc/settings\n' "$WORLD"
    [[ $1 == */lib/start ]] || printf '. %s\n' "$WORLD/lint/start" "${CLOSURE[@]/#/$WORLD/lint/}"
    own_lines "$1"
}

# own_lines FILE: without what it sources.
own_lines() {
    grep -v '^use \|^\. "' "$1"
}

# The undefined-variable check is on for all names, also in capitals, and no file switches it off.
no_variable_is_misspelt() { # test
    local file files name
    mapfile -t files < <(shell_files)
    mkdir -p "$WORLD/lint/install" "$WORLD/alone"
    for file in "$FIRSTBOOT"/lib/* "$FIRSTBOOT"/lib/install/*; do
        [[ ! -f $file ]] || own_lines "$file" >"$WORLD/lint/${file#"$FIRSTBOOT/lib/"}"
    done
    for file in "${files[@]}"; do
        name=${file#"$FIRSTBOOT/"}
        alone "$file" >"$WORLD/alone/${name//\//_}"
    done
    find "$WORLD/alone" -type f -print0 |
        xargs -0 -n 1 -P "$(nproc)" shellcheck -x -s sh --enable=check-unassigned-uppercase -e SC2034
    # A part's variables may be meant for others: somebody reads each of them.
    sed 's/^\. "/: "/' "${files[@]}" >"$WORLD/all"
    shellcheck -s sh -i SC2034 "$WORLD/all"
}

# syntax FILE: into $FUNCTIONS, what it defines; $CALLS, what it calls; $SETS and $READS, variables. From the syntax tree, where a
# word in a sentence is not taken for a call. Some functions are given the name of another one to call.
syntax() {
    local kind name
    FUNCTIONS=' ' CALLS=' ' SETS=' ' READS=' '
    while read -r kind name; do
        case $kind in
            function) FUNCTIONS+="$name " ;;
            call) CALLS+="$name " ;;
            set) SETS+="$name " ;;
            read) READS+="$name " ;;
        esac
    done < <(shfmt -ln posix --to-json <"$1" | jq -r '
        def literals: [.Args[]?.Parts | if length == 1 then .[0].Value // "-" else "-" end];
        .. | objects |
        if .Type == "FuncDecl" then "function " + .Name.Value
        elif .Type == "ParamExp" then "read " + .Param.Value
        elif .Type == "CallExpr" then
            (.Assigns[]? | "set " + .Name.Value),
            (literals | select(length > 0) |
                if .[0] == "wait_until" or .[0] == "with_services_down" or .[0] == "trap" then "call " + .[]
                elif .[0] == "read" then "set " + .[]
                else "call " + .[0] end)
        else empty end' | sort -u)
}

# A part declares what it calls, so that it can be used alone, and nothing else.
every_part_declares_exactly_what_it_needs() { # test
    local file name part wrong=0
    local -A functions=() calls=() sets=() reads=() home=()
    cp "$FIRSTBOOT/../overlays/systemd.run/mkimage/mechanism" "$BOOT/mkimage/"
    for file in $(shell_files); do
        name=${file#"$FIRSTBOOT/lib/"}
        syntax "$file"
        functions[$name]=$FUNCTIONS calls[$name]=$CALLS sets[$name]=$SETS reads[$name]=$READS
        # Programs define what only they call.
        [[ $(head -c 2 "$file") == '#!' ]] || for part in $FUNCTIONS; do
            if [[ -n ${home[$part]-} ]]; then
                printf '%s is in %s and in %s\n' "$part" "$name" "${home[$part]}"
                wrong=1
            fi
            home[$part]=$name
        done
    done
    for name in "${!functions[@]}"; do
        file=$FIRSTBOOT/lib/$name
        [[ -e $file ]] || file=$name
        for part in ${calls[$name]}; do
            part=${home[$part]-start}
            [[ $part == start || $part == "$name" ]] || grep -qxF "$part" <(declared "$file") || {
                printf '%s calls a function of %s without declaring it\n' "$name" "$part"
                wrong=1
            }
        done
        works_alone "$name" || wrong=1
        for part in $(declared "$file"); do
            is_needed "${functions[$part]}" "${calls[$name]}" || is_needed "${sets[$part]}" "${reads[$name]}" || {
                printf '%s declares %s and does not need it\n' "$name" "$part"
                wrong=1
            }
        done
    done
    return "$wrong"
}

# works_alone PART: with nothing but that sourced, there is each function that it calls.
works_alone() {
    local word called=
    for word in ${calls[$1]}; do
        [[ -z ${home[$word]-} ]] || called+=" $word"
    done
    [[ ! -e $FIRSTBOOT/lib/$1 || $(head -c 2 "$FIRSTBOOT/lib/$1") == '#!' ]] ||
        with_parts "$1" "for name in $called; do command -v \$name >/dev/null || echo $1 alone lacks \$name; done" | fails grep .
}

# is_needed WORDS WORDS: whether a word is in both.
is_needed() {
    local word
    for word in $1; do
        [[ $2 != *" $word "* ]] || return 0
    done
    return 1
}

the_tests_are_clean() { # test
    shellcheck -x -e SC1090,SC1091,SC2016,SC2034 run ./*.bash
}

# By systemd's own figures, from 0 (safe) to 100.
units_that_need_little_have_little() { # test
    local unit
    for unit in mkimage-state-copy:45 mkimage-private-network:45 mkimage-state:80; do
        systemd-analyze security --offline=yes --threshold="${unit#*:}" --no-pager "$FIRSTBOOT/lib/units/${unit%:*}.service"
    done
}

the_units_are_understood_by_systemd() { # test
    mkdir -p "$WORLD/units"
    sed 's|/bin/sh /usr/local/lib/mkimage/[^ ]*|/bin/true|' "$FIRSTBOOT/lib/units/mkimage-firstboot.service" >"$WORLD/units/mkimage-firstboot.service"
    for unit in mkimage-private-network.service mkimage-state.service mkimage-state-copy.service mkimage-state-copy.timer; do
        cp "$FIRSTBOOT/lib/units/$unit" "$WORLD/units/"
    done
    equal "$(systemd-analyze verify --man=no --recursive-errors=no "$WORLD"/units/* 2>&1 | grep mkimage || true)" ''
}
