# Counts what passed and failed, and remembers what was left out.

passed=0 failed=0 begun=$SECONDS
left_out=() failures=()

section() {
    printf '\n== %s\n' "$*"
}

leave_out() {
    left_out+=("$*")
    printf 'LEFT OUT: %s\n' "$*" >&2
}

# check NAME COMMAND...: one test.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        printf 'ok        %s\n' "$name"
    else
        fail "$name"
    fi
}

fail() {
    failed=$((failed + 1))
    failures+=("$1")
    printf 'FAILED    %s\n' "$1"
}

# add_rust_results LOG: adds the results of each test program that `cargo test` ran. Fails when there are none.
add_rust_results() {
    local line counted=0
    while read -r line; do
        [[ $line =~ ([0-9]+)\ passed\;\ ([0-9]+)\ failed\;\ ([0-9]+)\ ignored ]] || continue
        counted=1
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        ((BASH_REMATCH[3] == 0)) || leave_out "${BASH_REMATCH[3]} ignored Rust tests"
    done < <(grep '^test result:' "$1")
    mapfile -t -O "${#failures[@]}" failures < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$1")
    ((counted == 1))
}

# add_script_results LOG NAME: adds the last "N passed, N failed" of a test script. Fails when there is none.
add_script_results() {
    local line
    line=$(grep -oE '[0-9]+ passed, [0-9]+ failed(, [0-9]+ left out)?' "$1" | tail -n 1) || return 1
    [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ left\ out)? ]]
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    ((${BASH_REMATCH[4]:-0} == 0)) || leave_out "${BASH_REMATCH[4]} tests of $2"
    ((BASH_REMATCH[2] == 0)) || failures+=("$2")
}

# Prints the summary; fails when a test failed.
summarize() {
    section "all"
    ((${#failures[@]} == 0)) || printf 'FAILED    %s\n' "${failures[@]}"
    ((${#left_out[@]} == 0)) || printf 'LEFT OUT  %s\n' "${left_out[@]}"
    printf '%d min %02d s\n' $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60))
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}
