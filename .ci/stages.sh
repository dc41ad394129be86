# What .ci/run and .ci/full share: stages, the second try of failed tests, and what has to be installed.
# shellcheck shell=bash
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
export PATH="$PATH:/usr/sbin"
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
red='' flaky='' lines=''

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

# again PYTHON LOG: run the tests that failed in the log once more, without the others. Succeed if all pass. Fail if
# the tests did not run to their end, if the types are wrong, or if more than 30 failed: that is no accident.
again() {
  local python=$1 log=$2 failed
  mapfile -t failed < <(grep -aE '^(FAILED|ERROR) tests/' "$log" | sed -E 's/^(FAILED|ERROR) //; s/ - .*//' | sort -u)
  [ "${#failed[@]}" -gt 0 ] && [ "${#failed[@]}" -le 30 ] || return 1
  grep -aqE 'INTERNALERROR|Interrupted: |no tests ran|\*\*\* \[.*: types\]' "$log" && return 1
  grep -aqE '^=+ .*(failed|error).* in [0-9.]+s|^[0-9]+ (failed|error).* in [0-9.]+s' "$log" || return 1
  echo "A second try of ${#failed[@]} failed tests:"
  "$python" -m pytest -q "${failed[@]}" 2>&1 || return 1
  flaky+=$(printf 'flaky: %s\n' "${failed[@]}")$'\n'
}

# whole NAME COMMAND…: run the command of a stage once more, whose tests have several environments.
whole() {
  local name=$1
  shift
  echo "A second try of stage $name:"
  "$@" 2>&1 || return 1
  flaky+=$(grep -aE '^(FAILED|ERROR) ' "$logs/$name" | sed -E 's/^(FAILED|ERROR) /flaky: /; s/ - .*//' | sort -u)$'\n'
}

# stage NAME AGAIN COMMAND…: run the command. AGAIN says how failed tests are tried once more: with a Python, by the
# whole command, or not at all (-).
stage() {
  local name=$1 how=$2 began=$SECONDS result=passed
  shift 2
  echo "stage $name: $*"
  if ! "$@" 2>&1 | tee "$logs/$name"; then
    if [ "$how" = whole ] && whole "$name" "$@"; then result='passed at the second try'
    elif [ -x "$how" ] && again "$how" "$logs/$name"; then result='passed at the second try'; else
      result=FAILED
      red+="$name "
    fi
  fi
  lines+="stage $name: $result, $((SECONDS - began)) s"$'\n'
  echo "stage $name: $result, $((SECONDS - began)) s"
}

# finish: print all stages and the tests that passed only at the second try; fail if a stage failed.
finish() {
  printf '%s%s' "$lines" "$flaky"
  echo "all: $SECONDS s"
  [ -z "$red" ] || { echo "failed stages: $red"; exit 1; }
}

oldest=$(first_of python3.11 python3.12 python3.13 python3.14 python3)
newest=$(first_of python3.14 python3.13 python3.12 python3.11 python3)
echo "oldest: $oldest, $("$oldest" --version); newest: $newest, $("$newest" --version)"
# The environment of the newest Python, beside that of the oldest.
newest_venv=.venv
[ "$newest" = "$oldest" ] || newest_venv=.venv-$("$newest" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
