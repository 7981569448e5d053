# Sourced by quickstart, check and bench/run: what they need from the system, and
# how to get it. Debian and Ubuntu are served; elsewhere the needs are printed.

furrow_build_packages=(gcc g++ make libc6-dev cmake ninja-build pkg-config libhwloc-dev)
furrow_mpi_packages=(libopenmpi-dev openmpi-bin)
furrow_example_packages=(libopenblas-pthread-dev)
furrow_test_packages=(libcriterion-dev libomp-dev libopenblas-openmp-dev libopenblas-pthread-dev
    slurmctld slurmd slurm-client munge iproute2 util-linux)
furrow_clang_packages=(clang libomp-dev)
furrow_sanitizer_packages=(llvm libclang-rt-dev)
furrow_bench_packages=(clang libomp-dev libtbb-dev valgrind gnuplot-nox python3-joblib findutils
    python3-mpi4py)

# Of the packages named, those that are not installed; one a line.
missing_packages() {
    local name
    for name in "$@"; do
        case $(dpkg-query -W -f='${Status}' "$name" 2>/dev/null) in
        *' installed') ;;
        *) printf '%s\n' "$name" ;;
        esac
    done
}

# The compiler runtime of clang has a package of its own where one exists, and
# comes with clang elsewhere.
known_packages() {
    local name
    for name in "$@"; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            printf '%s\n' "$name"
        else
            echo "no package $name here; going on without it" >&2
        fi
    done
}

# install_packages NAME...: installs what is missing; apt's messages go to
# standard output. Where it cannot, it says in one sentence what to do and
# returns 1: what is needed may be there by other means.
install_packages() {
    local as_root=() missing

    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "This is not Debian or Ubuntu, so nothing was installed. Needed are the equivalents of: $*" >&2
        return 1
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -eq 0 ] && return 0

    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "Missing packages; install them with: sudo apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo -n)
    fi
    echo "Installing ${missing[*]} ..." >&2
    "${as_root[@]}" apt-get -q update </dev/null || return 1
    mapfile -t missing < <(known_packages "${missing[@]}")
    [ ${#missing[@]} -eq 0 ] && return 0
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "${missing[@]}" </dev/null
}

# The generator for cmake: presets say Ninja, make does where it is missing. A
# build folder keeps the generator it was made with.
generator_for() {
    local cached
    cached=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$1/CMakeCache.txt" 2>/dev/null)
    if [ -n "$cached" ]; then
        printf '%s\n' "$cached"
    elif command -v ninja >/dev/null; then
        echo Ninja
    else
        echo 'Unix Makefiles'
    fi
}
