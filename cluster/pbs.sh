#!/usr/bin/env bash
# A run on PBS (OpenPBS, PBS Professional) under mpirun, in as many jobs as the walltime makes of it.
#
#   qsub cluster/pbs.sh        where the repository is, after editing what follows
#
#PBS -N saddle
#PBS -l select=1:ncpus=8:mpiprocs=2:ompthreads=4
##PBS -l select=1:ncpus=8:mpiprocs=2:ompthreads=4:ngpus=2
##PBS -q NAME
#PBS -l walltime=12:00:00
#PBS -j oe

# What to run, as for saddle.
RUN=(align examples/animals/artifacts.yaml --output runs/animals-artifacts)
# PBS sends nothing before the walltime, so a clock of our own does: seconds from the start until the run is
# told to save. Five minutes less than the walltime above; that must be enough for one iteration and a checkpoint.
SAVE_AFTER=${SADDLE_SAVE_AFTER:-$((12 * 3600 - 300))}
# Jobs at most: a run that never gets anywhere must end.
MAX_STARTS=${SADDLE_MAX_STARTS:-100}

set -euo pipefail
cd "${SADDLE_HOME:-$PBS_O_WORKDIR}"
# module load …      whatever makes mpirun, HDF5 and OpenBLAS found here

start=${SADDLE_START:-1}
echo "job $PBS_JOBID, start $start, $(date --iso-8601=seconds): saddle ${RUN[*]}"
SECONDS=0
code=0
timeout --foreground --preserve-status --signal=USR1 "$SAVE_AFTER" \
    launch/run --hostfile "$PBS_NODEFILE" saddle "${RUN[@]}" --resume auto || code=$?

# After 75 before its time somebody has asked for the end by a file STOP, and gets it. The next is a new job that
# waits for this one to be gone: qrerun, which would start the same one, is for operators.
if [[ $code -ne 75 || $SECONDS -lt $SAVE_AFTER ]]; then
    echo "job $PBS_JOBID ended with $code"
elif ((start >= MAX_STARTS)); then
    echo "that was start $start: no further one. To go on, submit it again."
else
    qsub -W "depend=afterany:$PBS_JOBID" -v "SADDLE_START=$((start + 1)),SADDLE_HOME=$PWD" cluster/pbs.sh ||
        echo "PBS will not take another job from here. To go on, submit it again."
fi
exit "$code"
