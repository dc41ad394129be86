# What .ci/run and .ci/full share: stages, the second try of failed tests, and what has to be installed.
# shellcheck shell=bash
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
export PATH="$PATH:/usr/sbin"
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
# One line a stage, tests that passed only at the second try, and stages that failed. Stages that run beside others add too.
touch "$logs/.lines" "$logs/.flaky" "$logs/.red"

# install PROGRAM MESSAGE PACKAGE…: install Debian packages unless the program is here; print the message if it fails.
updated=''
install() {
  local program=$1 message=$2
  shift 2
  command -v "$program" >/dev/null && return
  [ -n "$updated" ] || apt-get update -q >/dev/null 2>&1
  updated=yes
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" >/dev/null 2>&1 || echo "$message"
}

# first_of PYTHON…: print the first that runs here and can make environments.
first_of() {
  for python in "$@"; do
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then echo "$python"; return; fi
  done
}

# What pytest notes of a run: the tests that failed, of which it removes those that pass later.
noted=.pytest_cache/v/cache/lastfailed
failed() { "$oldest" -c 'import json, sys; print(*sorted(json.load(sys.stdin)), sep="\n")' <"$noted"; }

# again PYTHON LOG: run the tests that failed in a stage once more, without the others, and note those that pass. Fail if
# not all do, if the tests did not run to their end, if the types are wrong, or if more than 30 failed: that is no accident.
again() {
  local python=$1 log=$2 first
  [ -s "$noted" ] && mapfile -t first < <(failed) && [ "${#first[@]}" -le 30 ] || return 1
  grep -aqE 'INTERNALERROR|Interrupted: |no tests ran|\*\*\* \[.*: types\]' "$log" && return 1
  grep -aqE '^=+ .*(failed|error).* in [0-9.]+s|^[0-9]+ (failed|error).* in [0-9.]+s' "$log" || return 1
  echo "A second try of ${#first[@]} failed tests:"
  "$python" -m pytest -q "${first[@]}" 2>&1 && : >"$noted.twice" || failed >"$noted.twice"
  printf '%s\n' "${first[@]}" | grep -vxFf "$noted.twice" | sed 's/^/flaky: /' >>"$logs/.flaky"
  [ ! -s "$noted.twice" ]
}

# whole NAME COMMAND…: run the command of a stage once more, whose tests have several environments.
whole() {
  local name=$1
  shift
  echo "A second try of stage $name:"
  "$@" 2>&1 || return 1
  grep -aE '^(FAILED|ERROR) ' "$logs/$name" | sed -E 's/^(FAILED|ERROR) /flaky: /; s/ - .*//' | sort -u >>"$logs/.flaky"
}

# stage NAME AGAIN COMMAND…: run the command. AGAIN says how failed tests are tried once more: with a Python, by the
# whole command, or not at all (-).
stage() {
  local name=$1 how=$2 began=$SECONDS result=passed
  shift 2
  rm -f "$noted"
  echo "stage $name: $*"
  if ! "$@" 2>&1 | tee "$logs/$name"; then
    if [ "$how" = whole ] && whole "$name" "$@"; then result='passed at the second try'
    elif [ -x "$how" ] && again "$how" "$logs/$name"; then result='passed at the second try'; else
      result=FAILED
      echo "$name" >>"$logs/.red"
    fi
  fi
  echo "stage $name: $result, $((SECONDS - began)) s" | tee -a "$logs/.lines"
}

# beside NAME AGAIN COMMAND…: as stage, while the next ones run. ended: wait for all of them, and print their output.
beside() { stage "$@" >"$logs/$1.beside" 2>&1 & }
ended() {
  wait
  cat "$logs"/*.beside
}

# finish: print all stages and the tests that passed only at the second try; fail if a stage failed.
finish() {
  cat "$logs/.lines" "$logs/.flaky"
  echo "all: $SECONDS s"
  [ ! -s "$logs/.red" ] || { echo "failed stages: $(paste -sd ' ' "$logs/.red")"; exit 1; }
}

oldest=$(first_of python3.11 python3.12 python3.13 python3.14 python3)
newest=$(first_of python3.14 python3.13 python3.12 python3.11 python3)
echo "oldest: $oldest, $("$oldest" --version); newest: $newest, $("$newest" --version)"
# The environment of the newest Python, beside that of the oldest.
newest_venv=.venv
[ "$newest" = "$oldest" ] || newest_venv=.venv-$("$newest" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
