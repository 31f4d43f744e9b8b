# shellcheck shell=bash
# Sourced by the scripts of launch/ and cluster/: what a run needs from the shell, in one place.

# Cores this process may use, whatever threads are set.
usable_cores() {
    env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc
}

# set_threads RANKS: threads of each of the ranks of one machine: what the caller or Slurm has set, else the
# cores of this machine divided by the ranks. OpenBLAS would otherwise start one thread per core in every rank.
set_threads() {
    local ranks=$1 cores threads
    cores=$(usable_cores)
    threads=${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-$((cores > ranks ? cores / ranks : 1))}}
    export OMP_NUM_THREADS=$threads
    export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-$threads}
}

# Open MPI refuses to start as root, which is what one is in most containers.
allow_root() {
    if [[ $(id -u) -eq 0 ]]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
}

# OPENBLAS_CORETYPE pins the kernels OpenBLAS uses, often to weaker ones than the CPU has. It may be wanted
# (equal bits on unequal machines), so it is left as it is, but not in silence.
note_coretype() {
    if [[ -n ${OPENBLAS_CORETYPE:-} ]]; then
        echo "note: OPENBLAS_CORETYPE=$OPENBLAS_CORETYPE pins the OpenBLAS kernels; unset it for full speed" >&2
    fi
}

# built_saddle: path of this repository's release build, else of the saddle in PATH.
built_saddle() {
    local root built
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    built=$root/.build/release/saddle
    if [[ -x $built ]]; then
        echo "$built"
    elif ! command -v saddle; then
        echo "no saddle: build it with 'swift build -c release --product saddle', or put it into PATH" >&2
        return 66
    fi
}

# supervise COMMAND…: runs the command and returns its exit code. SIGUSR1 and SIGTERM are passed on as SIGUSR1;
# `asked_to_stop` names the first of them, or is empty.
#
# On SIGTERM mpirun kills its ranks within two seconds and returns 1 whatever they say. On SIGUSR1 they save in
# their own time, and their 75 comes back. Ctrl-C reaches the command by way of the terminal.
supervise() {
    local code interrupted
    asked_to_stop=
    trap 'pass_on USR1' USR1
    trap 'pass_on TERM' TERM
    trap 'interrupted=1' INT
    "$@" &
    # A signal ends `wait` but not the command; bash keeps the command's exit code for the next one.
    while interrupted='' && wait $!; code=$?; [[ -n $interrupted ]]; do :; done
    trap - USR1 TERM INT
    return "$code"
}

# pass_on SIGNAL: what `supervise` does when it receives it.
pass_on() {
    asked_to_stop=${asked_to_stop:-$1}
    interrupted=1
    kill -s USR1 $! 2>/dev/null || true
}
