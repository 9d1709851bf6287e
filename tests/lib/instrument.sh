# Builds whose programs write down what happens to them: the lines they run, or what a sanitizer has against them. To be sourced by
# bash, after common.sh and build.sh.
# shellcheck shell=bash disable=SC2154 # tests_dir: common.sh; build_dir, source_dir: build.sh

# Where they write in the container, if it is there; and outside of it, a directory of the build.
# shellcheck disable=SC2034 # for those who source this
notes_inside=/run/vmunit-tests-notes notes_outside=$build_dir/notes

# instrument KIND OPTION…: builds with tests/lib/instrument-KIND.c linked into every program, in which "__wrap_NAME" takes NAME's
# place; OPTION are further ones for the compiler and the linker.
instrument() {
        local kind=$1 object=$build_dir/instrument-$1.o wrap=() own=() options
        shift
        # What a sanitizer is to find there must be compiled for it; the functions that count must not be counted.
        [[ $kind == coverage ]] || own=("$@")
        [[ ! -e $build_dir/build.ninja || -e $object ]] || die "$build_dir is a build of another kind: remove it"
        mkdir -p "$build_dir"
        # What gcov strips of a path; the last component stays away as well, so that the rest is as it is below the build directory.
        gcc -O1 -g -Wall -Wextra -c "${own[@]}" -DNOTES_INSIDE="\"$notes_inside\"" -DNOTES_OUTSIDE="\"$notes_outside\"" \
                -DBUILD="\"$build_dir\"" -DBUILD_DEPTH="\"$(tr -cd / <<<"$build_dir" | wc -c)\"" -o "$object.new" "$tests_dir/lib/instrument-$kind.c"
        if cmp -s "$object.new" "$object"; then rm "$object.new"; else mv "$object.new" "$object"; fi
        remove_older "$object"
        mapfile -t wrap < <(nm --defined-only "$object" | sed -n 's/.* T __wrap_/-Wl,--wrap=/p')
        # Without optimisation lines are what they seem. Where nothing is added to what the compiler does, it is as it is installed.
        options=(-Dbuildtype="$([[ $# -gt 0 ]] && echo debug || echo debugoptimized)" -Dc_args="$*" -Dc_link_args="$* ${wrap[*]} $object")
        if [[ -e $build_dir/build.ninja && ${options[*]} != "$(cat "$build_dir/instrument.options" 2>/dev/null)" ]]; then
                meson configure "$build_dir" "${options[@]}" >/dev/null
        fi
        echo "${options[*]}" >"$build_dir/instrument.options"
        build "${options[@]}"
}

# remove_older OBJECT: removes the programs that were linked before it was made: ninja does not look at objects among the options.
remove_older() {
        local program
        [[ -e $build_dir/build.ninja ]] || return 0
        meson introspect "$build_dir" --targets | python3 -c '
import json, sys
print(*(name for target in json.load(sys.stdin) if target["type"] == "executable" for name in target["filename"]), sep="\n")' |
                while read -r program; do [[ $program -nt $1 ]] || rm -f "$program"; done
}

# notes_units DIRECTORY: what has to be installed, so that processes reach the notes from inside of the sandboxes of their units.
notes_units() {
        local unit
        for unit in system/{vm@,vmunit-vm-,vmunit-guests,vmunit-host-tuning} user/{vm@,vmunit-vm-}; do
                mkdir -p "$1/etc/systemd/$unit.service.d"
                printf '[Service]\nBindPaths=%s\n' "$notes_inside" >"$1/etc/systemd/$unit.service.d/90-notes.conf"
        done
}

# notes_drivers NOTES LOG CHANGE OPTION… -- DRIVER…: runs those drivers of the container suite (test-NAME) with the build, and with the
# directory NOTES for what its programs write. CHANGE is called with the staged installation first; further options are boot's. The
# results are in a directory beside LOG.
notes_drivers() {
        local notes=$1 log=$2 change=$3 units=$build_dir/stage.notes staged options=()
        shift 3
        while [[ $1 != -- ]]; do options+=("$1"); shift; done
        shift
        rm -rf "$units"
        notes_units "$units"
        staged=$(stage container)
        "$change" "$staged"
        : >"$log"
        set -- "${@/#//usr/lib/vmunit-tests/container/}"
        boot_drivers container "${log%.log}.results" "$log" --install "$staged" --install "$units" \
                --bind-writable "$notes:$notes_inside" "${options[@]}" -- "${@/%/.py}"
}

# Whether those of $drivers are there: otherwise the head of the script is printed.
check_drivers() {
        local driver
        for driver in ${drivers[@]+"${drivers[@]}"}; do
                [[ -e $tests_dir/container/$driver.py ]] || { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
        done
}

# Drivers of the container suite that together run almost all there is; the others start more machines in the same ways.
# shellcheck disable=SC2034 # for those who source this
most_drivers=(test-first-vm test-verbs test-states test-save test-devices test-secrets test-shutdown test-console test-events test-looking
              test-changes test-session test-labels test-dump test-first-boot test-guest-verbs test-ready test-refusals test-networks
              test-folders)

# Tests that have run, have failed and were left out.
passed=0 failed=0 skipped=0

# Without root there are no containers: says so where tests/run looks for the reason, and counts it.
without_root() {
        echo "skip container: needs root"
        skipped=$((skipped + 1))
}

# parse_tiers ARGUMENT…: what tests/sanitize and tests/memcheck were asked for: $pure, $container, $drivers.
parse_tiers() {
        pure=yes container=yes
        case ${1-} in
        --pure) container=''; shift ;;
        --container) pure=''; shift ;;
        esac
        drivers=("$@")
        check_drivers
        if [[ $EUID -ne 0 && $container ]]; then
                without_root
                container=''
        fi
}

# run_pure ARGUMENT…: runs `meson test` with them.
run_pure() {
        local p f s
        meson test -C "$build_dir" --no-rebuild --timeout-multiplier 20 "$@" >"$build_dir/tests.log" 2>&1 || true
        grep -E '^ *[0-9]+/[0-9]+ .*(FAIL|ERROR|TIMEOUT|SKIP)' "$build_dir/tests.log" || true
        read -r p f s < <(awk '/^(Ok|Fail|Timeout|Skipped): / { n[$1] = $NF }
                END { print n["Ok:"] + 0, n["Fail:"] + n["Timeout:"] + 0, n["Skipped:"] + 0 }' "$build_dir/tests.log")
        # What has not run has found nothing.
        if [[ $((p + f)) -eq 0 ]]; then
                echo "not ok: no test has run; see $build_dir/tests.log"
                f=1
        fi
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# run_container NAME CHANGE OPTION…: runs $drivers, see notes_drivers(), after the one that shows that faults of the programs in $watched
# would be seen at all. What they say is in NAME.log of the build.
run_container() {
        local ended p f s log=$build_dir/$1.log
        shift
        printf '%s\n' "${watched[@]}" >"$notes_outside/watched"
        drivers=(planted "${drivers[@]}")
        notes_drivers "$notes_outside" "$log" "$@" -- "${drivers[@]}"
        read -r ended p f s < <(driver_results "$log")
        passed=$((passed + p)) failed=$((failed + f + ${#drivers[@]} - ended)) skipped=$((skipped + s))
}

# What is in a line of a report that is about a fault: valgrind writes of what it does not know, too.
findings='ERROR: |runtime error: |definitely lost|Invalid (read|write|free)|uninitialised|Mismatched|addressable byte|overlap|fishy|invalid address|terminating'

# planted.py reads the expression there.
empty_notes() {
        rm -rf "$notes_outside"
        mkdir -m 1777 "$notes_outside"
        printf '%s\n' "$findings" >"$notes_outside/findings"
}

# Prints each finding that reports speak of once, with how many of them do, and the last line. Fails as the program is to fail.
conclude() {
        local reports
        mapfile -t reports < <(find "$notes_outside" -name 'report*' -exec grep -lE "$findings" {} +)
        if [[ ${#reports[@]} -gt 0 ]]; then
                echo "not ok: ${#reports[@]} reports in $notes_outside"
                grep -hE "$findings" "${reports[@]}" | sed -E 's/^==[^=]*== ?//' | sort | uniq -c | sort -rn | head -n 60
                failed=$((failed + 1))
        fi
        echo "$passed passed, $failed failed, $skipped skipped"
        [[ $failed -eq 0 && $passed -gt 0 ]]
}
