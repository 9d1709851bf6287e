# Shared by the scripts that make and use test artefacts. To be sourced by bash.
# shellcheck shell=bash

tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache_dir=${VMUNIT_TEST_CACHE:-/var/cache/vmunit-tests}

# Messages go to stderr: the stdout of an artefact script is the artefact's path and nothing else.
log() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
        log "$*"
        exit 1
}

require_root() {
        [[ $EUID -eq 0 ]] || die "needs root"
}

# The packages of the named groups, one per line.
packages_of() {
        local group
        for group; do
                awk -v group="$group" '$1 == group { for (i = 2; i <= NF; i++) print $i }' "$tests_dir/lib/packages"
        done
}

# Installs what is missing. Asks dpkg first, so that the usual case costs milliseconds and needs neither root nor network.
ensure_packages() {
        local package missing=()

        for package; do
                [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || missing+=("$package")
        done
        [[ ${#missing[@]} -gt 0 ]] || return 0

        log "installing ${missing[*]}"
        require_root
        apt-get -q update >&2
        DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >&2
}

# recipe_key FILE…: a digest over the files' content; with "-" over stdin as well, for package lists and options.
recipe_key() {
        local file
        for file; do
                [[ $file == - ]] && file=/dev/stdin
                sha256sum <"$file"
        done | sha256sum | cut -c1-16
}

# cached NAME KEY FUNCTION: prints the path of the artefact NAME-KEY, a directory, and makes it first if it is not there:
# FUNCTION DIR SCRATCH fills the empty DIR and may leave anything in SCRATCH. An artefact appears under its name by a rename, so it is whole or
# absent; the lock makes a second caller wait for the first one's result. Keys of the same name that nobody has asked for
# since yesterday are removed.
cached() {
        local name=$1 key=$2 make=$3 target temporary started
        target=$cache_dir/$name-$key

        if [[ ! -d $target ]]; then
                mkdir -p "$cache_dir"
                exec {cache_lock}>"$cache_dir/.$name.lock"
                flock "$cache_lock"
        fi

        if [[ ! -d $target ]]; then
                log "making $name"
                started=$SECONDS
                # Left behind by builds that were killed; the lock says that nobody is at work on them.
                rm -rf "$cache_dir/.$name".new.*
                temporary=$(mktemp -d "$cache_dir/.$name.new.XXXXXX")
                mkdir -m 0755 "$temporary/artefact" "$temporary/scratch"
                # In a subshell of its own, not behind "||" or "if", which would switch off its "set -e".
                (set -e; "$make" "$temporary/artefact" "$temporary/scratch") >&2 {cache_lock}>&-
                mv -T "$temporary/artefact" "$target"
                rm -rf "$temporary"
                # Not those of today: another checkout, or a run that is still going on, may be using them.
                find "$cache_dir" -mindepth 1 -maxdepth 1 -name "$name-????????????????" -mmin +1440 -exec rm -rf {} +
                log "made $name in $((SECONDS - started)) s"
        fi

        [[ -z ${cache_lock-} ]] || exec {cache_lock}>&-
        touch "$target" 2>/dev/null || true
        printf '%s\n' "$target"
}
