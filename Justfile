# Shortcuts for `just` (https://just.systems). Each is one command, which works without just as well.

# List the recipes
default:
    @just --list

# Run every check: format, lints, tests, shell scripts, English, licences, the lab (12 to 20 minutes)
test *arguments:
    tests/all {{ arguments }}

# Run the checks that take a few minutes: no lab
quick:
    TESTS_LAB=no tests/all

# Check the Rust code with rustfmt and clippy, and the English
lint:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    tests/style

# Test what runs on the Pi; `just firstboot swarm` runs only the tests of the swarm
firstboot *files:
    tests/firstboot/run {{ files }}

# Let four images become one cluster in containers, then run the drills named, if any (as root)
lab *drills:
    tests/lab/run {{ drills }}

# Run every drill (as root, hours)
drills:
    tests/drills

# Search for input that breaks a parser; `just fuzz 60 zip` tries one target for a minute
fuzz *arguments:
    tests/fuzz {{ arguments }}

# Boot a node image in an emulated Raspberry Pi 3 (ten minutes, after a longer first time)
boot:
    tests/boot/pi3

# Measure whole builds against the tools that people would use instead
bench:
    benches/run
