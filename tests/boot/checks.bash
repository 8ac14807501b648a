# shellcheck shell=bash
# Prints one line per check and counts failures.

checks_passed=0
checks_failed=0

passed() {
    checks_passed=$((checks_passed + 1))
    printf 'ok      %s\n' "$1"
}

failed() {
    checks_failed=$((checks_failed + 1))
    printf 'FAILED  %s\n' "$1"
}

# Prints details of the check before.
quote() {
    sed 's/^/        | /'
}

# check "WHAT" COMMAND...: passes if the command succeeds; otherwise prints its output.
check() {
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed "$what"
    else
        failed "$what"
        [[ -z $output ]] || quote <<<"$output"
    fi
}

# check_equal "WHAT" EXPECTED ACTUAL
check_equal() {
    if [[ $2 == "$3" ]]; then
        passed "$1: $3"
    else
        failed "$1: expected '$2', found '$3'"
    fi
}

report() {
    printf '%d passed, %d failed\n' "$checks_passed" "$checks_failed"
    ((checks_failed == 0))
}
