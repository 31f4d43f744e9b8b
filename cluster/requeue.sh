# shellcheck shell=bash
# Sourced by the Slurm scripts of this folder: runs a command that can be resumed, and puts the job back into
# the queue when the time limit cut it short. The current directory is the repository.

# shellcheck source=launch/environment.sh
source launch/environment.sh

# Requeues at most, unless SADDLE_MAX_RESTARTS says otherwise: a job that never gets anywhere must end.
MAX_RESTARTS=${SADDLE_MAX_RESTARTS:-100}

# run_and_requeue COMMAND…: exits with the command's code. If that is 75 (checkpoint written) and SIGUSR1 came,
# the job goes back into the queue under the same number, and its script starts anew from the top.
#
# After 75 without it somebody has asked for the end, by a file STOP or scancel (SIGTERM), and gets it.
run_and_requeue() {
    local code=0 restarts=${SLURM_RESTART_COUNT:-0}
    echo "job ${SLURM_JOB_ID}, start $((restarts + 1)), $(date --iso-8601=seconds): $*"
    supervise "$@" || code=$?
    # What comes now comes too late for the command; requeueing ends this script by SIGTERM.
    trap '' USR1
    if [[ $code -ne 75 || $asked_to_stop != USR1 ]]; then
        echo "job $SLURM_JOB_ID ended with $code"
    elif ((restarts >= MAX_RESTARTS)); then
        echo "job $SLURM_JOB_ID was started $((restarts + 1)) times: not requeued. To go on, submit it again."
    else
        echo "job $SLURM_JOB_ID is requeued"
        scontrol requeue "$SLURM_JOB_ID" || echo "Slurm will not requeue it. To go on, submit it again."
    fi
    exit "$code"
}
