# Builds the checkout and stages an installation. To be sourced by bash, after common.sh.
# shellcheck shell=bash disable=SC2154 # tests_dir, cache_dir: common.sh

source_dir=$(dirname "$tests_dir")
build_dir=${VMUNIT_BUILD:-$source_dir/build}

# build [MESON OPTION…]: configures once, then builds what changed. Quiet unless it fails.
build() {
        local log=$build_dir.log
        # shellcheck disable=SC2046 # words on purpose
        ensure_packages $(packages_of build)
        if [[ ! -f $build_dir/build.ninja ]]; then
                meson setup "$build_dir" "$source_dir" --werror "$@" >"$log" 2>&1 || { cat "$log" >&2; die "meson failed"; }
        fi
        ninja -C "$build_dir" >"$log" 2>&1 || { grep -vE '^\[[0-9]+/[0-9]+\]' "$log" >&2; die "the build failed"; }
        rm -f "$log"
}

# stage NAME: prints the directory, of that name, with a staged installation (DESTDIR) of the current build.
stage() {
        local directory=$build_dir/stage.$1
        rm -rf "$directory"
        DESTDIR=$directory meson install -C "$build_dir" --no-rebuild --quiet >&2
        printf '%s\n' "$directory"
}
