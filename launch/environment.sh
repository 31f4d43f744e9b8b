# shellcheck shell=bash
# Sourced by the scripts of this folder: what a run needs from the shell, in one place.

# Threads of each rank: what the caller has set, else the cores of this machine divided by the ranks.
# OpenBLAS would otherwise start one thread per core in every rank.
set_threads() {
    local ranks=$1 cores threads
    cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
    threads=${OMP_NUM_THREADS:-$((cores > ranks ? cores / ranks : 1))}
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

# start RANKS COMMAND…: the command on that many ranks. Ranks are not bound to cores, because Open MPI binds
# each to a single one for two ranks or fewer; slots are counted by physical cores, of which a small machine
# may have fewer than ranks.
start() {
    local ranks=$1
    shift
    mpirun -n "$ranks" --bind-to none --oversubscribe "$@"
}
