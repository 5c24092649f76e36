# Sourced by the other scripts: installs Debian packages that are missing.
# shellcheck shell=bash
install_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "installing ${missing[*]}" >&2
    local sudo=""
    if [ "$(id -u)" -ne 0 ]; then sudo="sudo"; fi
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need() { # need COMMAND HOW-TO-GET-IT
    command -v "$1" >/dev/null 2>&1 || { echo "$1 is missing: $2" >&2; exit 1; }
}

node_packages() { # node_packages FOLDER: what its lock file names, once; files written anew would build anew what holds them
    local of
    of=$(sha256sum "$1/package-lock.json" | cut -c1-16)
    [ -f "$1/node_modules/.of-$of" ] && return 0
    npm ci --prefix "$1" --no-audit --no-fund --silent && touch "$1/node_modules/.of-$of"
}
