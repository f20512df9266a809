#!/bin/sh
# Usage: borg_post.sh JOB
#
# After a `borg create` of your own, however it ended: ends what borg_pre.sh froze for a job, and nothing else. If it fails, what
# was read did not stay the same: don't rely on the archive.
set -eu
job=${1:?"which job? borg_post.sh JOB"}
exec "${BORG_CLUSTER:-borg-cluster}" snapshot close --job "$job"
