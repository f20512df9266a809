#!/bin/sh
# Usage: borg_pre.sh JOB [PID]
#
# Before a `borg create` of your own: freezes the virtual machines of a job of borg-cluster and prints the pattern file that names
# what is frozen. PID is the process that reads (by default whoever calls this): as long as it lives nobody ends the snapshots but
# borg_post.sh. If it fails nothing is left open: don't go on.
set -eu
job=${1:?"which job? borg_pre.sh JOB [PID]"}
exec "${BORG_CLUSTER:-borg-cluster}" snapshot open --job "$job" --owner "${2:-$PPID}"
