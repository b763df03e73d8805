#!/bin/sh
# Builds the shipped programs and puts them side by side into PREFIX/bin (default: ~/.local/bin).
# They have to stay side by side: the command line and the helper start the agent that lies next to them.
#
#   install/install.sh                 build and install
#   install/install.sh --uninstall     take git's entries and the programs out again
#   PREFIX=/usr/local install/install.sh
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin=${PREFIX:-$HOME/.local}/bin
programs="valetkey valetkey-agent git-credential-valetkey nuget-plugin-valetkey"

if [ "${1:-}" = --uninstall ]; then
    if [ -x "$bin/valetkey" ]; then
        "$bin/valetkey" setup git --undo || true
        "$bin/valetkey" setup nuget --undo || true
        "$bin/valetkey" logout || echo "note: nothing was signed out; a key that is still alive dies within hours" >&2
        "$bin/valetkey" agent stop || true
    fi
    for program in $programs; do rm -f "$bin/$program"; done
    echo "removed from $bin"
    exit 0
fi
[ $# -eq 0 ] || { echo "usage: install/install.sh [--uninstall]" >&2; exit 2; }

cd "$here"
cargo build --locked --release --package valetkey-agent --package valetkey-cli
cargo build --locked --profile helper --package valetkey-git-helper --package valetkey-nuget-helper
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$bin"
for program in $programs; do
    case $program in
        git-credential-* | nuget-plugin-*) from=$target/helper/$program ;;
        *) from=$target/release/$program ;;
    esac
    # Renamed into place, so that a running one is not disturbed.
    cp "$from" "$bin/.$program.new"
    chmod 755 "$bin/.$program.new"
    mv "$bin/.$program.new" "$bin/$program"
done

echo "installed into $bin: $programs"
case ":$PATH:" in
    *":$bin:"*) ;;
    *) echo "note: $bin is not on PATH" ;;
esac
# 3: no agent is running.
running=0
"$bin/valetkey" status >/dev/null 2>&1 || running=$?
[ "$running" -eq 3 ] || echo "note: the agent that is running is the one from before: valetkey agent restart"
echo "next: valetkey setup entra, valetkey login ORG, valetkey setup git, valetkey setup nuget"
