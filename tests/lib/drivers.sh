# Which drivers a suite has, and how they are run on a booted system. To be sourced by bash, after common.sh.
# shellcheck shell=bash disable=SC2154 # tests_dir: common.sh

# drivers_in DIRECTORY: the drivers of a suite, one per line, as the system that runs them sees them. Those in the list
# not-yet are left out, and why is said. Those of machines are a suite of their own.
drivers_in() {
        local driver name reason
        for driver in "$tests_dir/$1"/{selftest,test-*}.py; do
                name=$1/${driver##*/}
                if [[ ! -e $driver ]]; then
                        continue
                fi
                reason=$(sed -n "s|^$name: ||p" "$tests_dir/not-yet")
                if [[ $reason ]]; then
                        echo "skip $name: $reason" >&2
                else
                        echo "/usr/lib/vmunit-tests/$name"
                fi
        done
}

# boot_drivers SUITE RESULTS LOG OPTION… -- DRIVER…: runs drivers on a booted system, one after the other; what they say goes to the
# end of LOG, and but for their last lines to stdout. One that ends with 75 lets the system crash: after that it is the turn of this
# one again.
boot_drivers() {
        local suite=$1 results=$2 log=$3 options=()
        shift 3
        while [[ $1 != -- ]]; do options+=("$1"); shift; done
        shift
        mkdir -p "$results"
        rm -f "$results/ended"
        # shellcheck disable=SC2016 # for the shell inside
        "$tests_dir/$suite/boot" "${options[@]}" --results "$results" --timeout 3600 --driver sh -c '
                ended=$VMUNIT_RESULTS/ended
                for driver; do
                        if grep -qxF "$driver" "$ended" 2>/dev/null; then continue; fi
                        echo "== ${driver##*/}"
                        python3 "$driver" || [ $? -ne 75 ] || exit 75
                        echo "$driver" >>"$ended"
                done' drivers "$@" 2>&1 |
                tee -a "$log" | grep -vE '^[0-9]+ passed, ' || true
}

# driver_results LOG: "ENDED PASSED FAILED SKIPPED", how many drivers have come to their last line, and what these add up to.
driver_results() {
        awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { n++; p += $1; f += $3; s += $5 } END { print n + 0, p + 0, f + 0, s + 0 }' "$1"
}
