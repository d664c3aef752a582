#!/usr/bin/env bash
# A SLURM of a few nodes on this machine, to try job scripts on. One slurmctld, one munged and a slurmd to each node, all in one folder:
#   tools/cluster/slurm.sh up [--nodes 2..4] [--dir DIR] [--for PID]
#                                                            starts it and prints the line that points sbatch, srun and scontrol to it
#   tools/cluster/slurm.sh down [--dir DIR]                  cancels its jobs, ends its daemons, removes DIR
# With --for it goes down by itself when the process PID has ended, however that was.
# DIR is TMPDIR/xkd-slurm-UID by default. Each node claims 64 CPUs, 128 GB and 4 GPUs that are not there, so that scripts written for large nodes are
# scheduled as they are.
# Ports are free ones below the range that the system gives away. Several can run side by side. Exit code 2: what is missing or cannot be, with the fix; 1: a
# daemon did not start, with the end of its log.
set -euo pipefail
say() { printf 'slurm.sh: %s\n' "$*" >&2; }
refuse() { say "$@"; exit 2; }
fail() { say "$@"; exit 1; }

verb=${1:-} nodes=2 owner='' dir=${TMPDIR:-/tmp}/xkd-slurm-$(id -u)
case $verb in up|down) shift ;; *) refuse "say up or down: tools/cluster/slurm.sh up [--nodes 2..4] [--dir DIR]" ;; esac
while [ $# -gt 0 ]; do
  case $1 in
    --nodes) nodes=${2:-}; shift ;;
    --dir) dir=${2:-}; shift ;;
    --for) owner=${2:-}; shift ;;
    *) refuse "unknown option $1; known: --nodes --dir --for" ;;
  esac
  shift || refuse "the last option has no value"
done
[[ $nodes = [2-4] ]] || refuse "--nodes $nodes: give 2, 3 or 4"
[ -n "$dir" ] || refuse "--dir has no value"
[ -z "$owner" ] || [ -e "/proc/$owner" ] || refuse "--for $owner: no such process"
dir=$(realpath -m -- "$dir")
[[ $dir =~ ^[A-Za-z0-9_./-]+$ ]] || refuse "--dir $dir: slurm.conf takes letters, digits and _ . / - only"
[ ${#dir} -le 60 ] || refuse "--dir $dir: sockets below it need a path of 60 characters at most"

# A pid alone may be another process's by now; with its start time it is ours or nobody's.
born() { local stat; { stat=$(<"/proc/$1/stat"); } 2>/dev/null && stat=${stat##*) } && [ "${stat:0:1}" != Z ] && set -- $stat && echo "${20}"; }
alive() { local pid time; read -r pid time <"$1" && [ "$(born "$pid")" = "$time" ]; }
within() { # seconds, condition…
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}
over() { ! alive "$1"; }

stop() { # the nodes first: a slurmd ends its steps no longer once its controller is gone
  local file pid
  for file in "$dir"/pids/slurmd-* "$dir"/pids/slurmctld "$dir"/pids/munged; do
    [ -e "$file" ] && alive "$file" || continue
    read -r pid _ <"$file"
    kill -TERM "$pid"
    within 10 over "$file" || { say "$(basename "$file") did not end within 10 s: killed"; kill -KILL "$pid"; within 10 over "$file"; }
  done
}

# Steps outlive their slurmd. Each slurmstepd has the mark that its slurmd was started with; tasks are below it.
steps() {
  local file pid
  for file in $(grep -lzxF "XKD_SLURM_DIR=$dir" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${file#/proc/}; below "${pid%/environ}"
  done
}
below() {
  local child
  for child in $(pgrep -P "$1"); do below "$child"; done
  echo "$1"
}
gone() { [ -z "$(steps)" ]; }

idle() { [ -z "$(squeue --noheader 2>&1)" ]; }

if [ "$verb" = down ]; then
  [ -e "$dir/slurm.conf" ] || refuse "no SLURM in $dir; name the folder it was started in: down --dir DIR"
  export SLURM_CONF=$dir/slurm.conf
  if alive "$dir/pids/slurmctld"; then
    scontrol update PartitionName=all State=DOWN # nothing starts again
    scancel --partition=all
    within 15 idle || say "jobs that did not end within 15 s, and are killed: $(squeue --noheader | tr -s ' ')"
  fi
  stop
  kill -KILL $(steps) 2>/dev/null || true
  within 10 gone || fail "processes that cannot be killed: $(steps | tr '\n' ' ')"
  rm -rf -- "$dir"
  exit
fi

missing=()
for command in slurmctld slurmd srun sbatch munged; do PATH=$PATH:/usr/sbin:/sbin command -v $command >/dev/null || missing+=($command); done
[ ${#missing[@]} = 0 ] || refuse "${missing[*]} missing; type: sudo apt-get install --no-install-recommends slurm-wlm munge"
pmix=$(dirname "$(ldconfig -p | awk '/libpmix.so.2 / { print $NF; exit }')" 2>/dev/null)/pmix2/lib/libpmix.so # the name without a number is what SLURM loads
[ -e "$pmix" ] || [ -e /usr/lib/libpmix.so ] || say "srun --mpi=pmix (Open MPI) will not work; type: sudo apt-get install --no-install-recommends libpmix-dev"
[ "$(id -u)" = 0 ] || refuse "slurmd starts steps as root only; run this as root (sudo, or in a container)"
PATH=$PATH:/usr/sbin:/sbin
if [ -e "$dir/slurm.conf" ]; then refuse "$dir holds a SLURM already; end it first (down --dir $dir) or name another folder (--dir)"; fi
[ ! -e "$dir" ] || [ -z "$(ls -A -- "$dir")" ] || refuse "$dir is not empty; name a new folder (--dir)"
mkdir -p "$dir"/{pids,spool,state,log,munge} "$dir"/tmp/n{1..4}
chmod 755 "$dir"; chmod 711 "$dir/munge"

free_ports() { # how many
  local taken port
  taken=" $(awk 'FNR > 1 { split($2, a, ":"); print a[2] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u | tr '\n' ' ')"
  for _ in $(seq "$1"); do
    until port=$((20000 + RANDOM % 12000)) && [[ $taken != *" $(printf %04X $port) "* ]]; do :; done
    taken+="$(printf %04X $port) "
    echo $port
  done
}

configure() {
  local host ports i; host=$(hostname -s); mapfile -t ports < <(free_ports $((nodes + 1)))
  {
    cat <<CONF
ClusterName=xkd
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/log/slurmctld.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdSpoolDir=$dir/spool/%n
TmpFS=$dir/tmp/%n
SlurmdPidFile=$dir/log/%n.pid
SlurmdLogFile=$dir/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_interval=1,max_rpc_cnt=0
SlurmdParameters=config_overrides
GresTypes=gpu
MpiDefault=none
ReturnToService=2
KillWait=5
CompleteWait=0
MinJobAge=300
CONF
    for i in $(seq "$nodes"); do
      echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[$i]} CPUs=64 RealMemory=131072 Gres=gpu:4 State=UNKNOWN"
    done
    echo "PartitionName=all Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO"
  } >"$dir/slurm.conf"
  printf "Name=gpu File=/dev/%s\n" full null random zero >"$dir/gres.conf" # devices that are everywhere, and that nobody opens
}

start() { # name, command…
  local name=$1 pid; shift
  XKD_SLURM_DIR=$dir setsid "$@" >>"$dir/log/$name.out" 2>&1 </dev/null &
  pid=$!
  echo "$pid $(born $pid)" >"$dir/pids/$name"
}

ready() { # every daemon runs, and every node takes jobs; the port of one may have been taken meanwhile
  local file
  for file in "$dir"/pids/*; do alive "$file" || { lost=$(basename "$file"); return 0; }; done
  [ "$(sinfo --noheader --Node --format='%N %t' 2>/dev/null | grep -c ' idle$')" = "$nodes" ]
}

began=0
trap '[ $began = 0 ] || { stop; tail -n 5 "$dir"/log/*.log "$dir"/log/*.out >&2 || true; rm -rf -- "$dir"; }' EXIT
began=1 lost=
export SLURM_CONF=$dir/slurm.conf
for try in 1 2 3; do
  [ -e "$dir/munge/key" ] || (umask 077; head -c 1024 /dev/urandom >"$dir/munge/key")
  # --force: a folder that only its owner may enter is a warning then.
  start munged munged --foreground --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
    --seed-file="$dir/munge/seed" --log-file="$dir/log/munged.log"
  within 10 test -S "$dir/munge/socket" || fail "munged made no socket within 10 s"
  configure
  start slurmctld slurmctld -D
  for i in $(seq "$nodes"); do start "slurmd-n$i" slurmd -D -N "n$i"; done
  within 10 ready || fail "the nodes are not idle after 10 s: $(sinfo --noheader --Node --long 2>&1 | tr -s ' ')"
  [ -n "$lost" ] || break
  [ $try != 3 ] || fail "$lost ended at once, three times; its log follows"
  stop; rm -f "$dir"/pids/*; lost=
done
began=0
if [ -n "$owner" ]; then # of this SLURM, and not of one that is in the folder later
  setsid bash -c 'ctld=$2/pids/slurmctld; mine=$(<"$ctld"); tail --pid="$1" -f /dev/null
    [ "$(cat "$ctld" 2>/dev/null)" != "$mine" ] || exec bash "$0" down --dir "$2"' \
    "$(readlink -f "${BASH_SOURCE[0]}")" "$owner" "$dir" >/dev/null 2>&1 </dev/null &
fi
echo "export SLURM_CONF=$dir/slurm.conf"
