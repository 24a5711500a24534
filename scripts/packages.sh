# shellcheck shell=sh
# What a fresh Debian or Ubuntu needs besides git, Rust and Node; and the two steps that `run` and `test` share.

# To compile and to open the window.
BUILD_PACKAGES="build-essential pkg-config libwebkit2gtk-4.1-dev dbus-daemon fonts-dejavu-core"
# To test without a desktop: a screen, a keyring, a driver for the window, the clipboard, pictures,
# Python for the second implementation of the protocol's bytes and a client of agents, and who reads what was exported.
TEST_PACKAGES="xvfb gnome-keyring webkit2gtk-driver xclip xdotool imagemagick python3-cryptography python3-argon2 python3-venv jq sqlite3 curl git"

# Installs the packages of the arguments that are not there yet, and says which.
install_missing() {
  for tool in cargo npm; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: install Rust (rustup.rs) and Node 20 or newer first" >&2; return 1; }
  done
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian or Ubuntu: docs/building.md lists what is needed." >&2
    return 0
  fi
  missing=
  for package in "$@"; do
    case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
      installed) ;;
      *) missing="$missing $package" ;;
    esac
  done
  [ -n "$missing" ] || return 0
  echo "Debian packages to install:$missing"
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  # Another apt may be at work: wait for it.
  $as_root apt-get -q -o DPkg::Lock::Timeout=300 update
  # shellcheck disable=SC2086 # one word for each package
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
}

# Installs what the UI needs, if its list changed, and builds it, if it changed. Cargo puts ui/dist into the program.
build_ui() {
  stamp=ui/node_modules/.installed
  if [ ! -e "$stamp" ] || [ ui/package-lock.json -nt "$stamp" ]; then
    npm --prefix ui ci --ignore-scripts --no-audit --no-fund
    touch "$stamp"
  fi
  if [ ! -e ui/dist/index.html ] || [ -n "$(find ui/src ui/secure ui/index.html ui/*.json ui/*.ts ui/*.js tauri.conf.json -newer ui/dist/index.html -print -quit)" ]; then
    npm --prefix ui run build
  fi
}
