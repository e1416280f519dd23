#!/bin/sh
# Sourced by skerry and mvnw. Sets JAVA_HOME to a JDK of at least $jdk_wanted, or leaves the list of what it saw in $jdk_seen.

jdk_wanted=25

# Prints the major version of the JDK in $1; nothing when there is no compiler in it.
jdk_version() {
  [ -x "$1/bin/javac" ] && [ -x "$1/bin/java" ] || return 0
  jdk_line=
  if [ -r "$1/release" ]; then
    jdk_line=$(sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9][0-9]*\).*/\1/p' "$1/release")
  fi
  [ -n "$jdk_line" ] || jdk_line=$("$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9][0-9]*\).*/\1/p')
  printf '%s' "$jdk_line"
}

# Succeeds when $1 is good enough, and then makes it JAVA_HOME. The wanted version wins over a newer one, which is kept for later.
jdk_try() {
  [ -d "$1" ] || return 1
  jdk_found=$(jdk_version "$1")
  [ -n "$jdk_found" ] || return 1
  jdk_seen="$jdk_seen
  $jdk_found in $1"
  if [ "$jdk_found" -eq "$jdk_wanted" ] || { [ "$2" = explicit ] && [ "$jdk_found" -gt "$jdk_wanted" ]; }; then
    JAVA_HOME=$1
    return 0
  fi
  if [ "$jdk_found" -gt "$jdk_wanted" ] && [ -z "$jdk_newer" ]; then
    jdk_newer=$1
  fi
  return 1
}

# The home of the java on PATH, through links and version managers' shims.
jdk_on_path() {
  jdk_java=$(command -v java) || return 0
  jdk_real=$(readlink -f "$jdk_java" 2>/dev/null || printf '%s' "$jdk_java")
  jdk_home=$(dirname "$(dirname "$jdk_real")")
  if [ ! -x "$jdk_home/bin/javac" ]; then
    jdk_home=$("$jdk_java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java\.home = //p')
  fi
  printf '%s' "$jdk_home"
}

find_jdk() {
  jdk_seen=
  jdk_newer=
  if [ -n "${JAVA_HOME:-}" ] && jdk_try "$JAVA_HOME" explicit; then
    export JAVA_HOME
    return 0
  fi
  jdk_path_home=$(jdk_on_path)
  if [ -n "$jdk_path_home" ] && jdk_try "$jdk_path_home" explicit; then
    export JAVA_HOME
    return 0
  fi
  for jdk_candidate in \
    "${SKERRY_JDKS:-/usr/lib/jvm}"/* \
    "$HOME"/.sdkman/candidates/java/* \
    "$HOME"/.jdks/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home \
    "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/*; do
    if jdk_try "$jdk_candidate" listed; then
      export JAVA_HOME
      return 0
    fi
  done
  if [ -n "$jdk_newer" ]; then
    JAVA_HOME=$jdk_newer
    export JAVA_HOME
    return 0
  fi
  return 1
}

# One message for both scripts.
no_jdk() {
  echo "$1: Skerry needs JDK $jdk_wanted or newer (with its compiler), and none was found." >&2
  if [ -n "$jdk_seen" ]; then
    echo "Found only:$jdk_seen" >&2
  fi
  echo "Install one (Debian, Ubuntu: apt install openjdk-$jdk_wanted-jdk; macOS: brew install openjdk@$jdk_wanted; anywhere: sdk install java $jdk_wanted-tem)," >&2
  echo "or set JAVA_HOME to one, and run the same command again." >&2
}
