#!/bin/sh
# Installs an npm package into a folder, without running its scripts; npm itself where it is missing.
#   deploy/npm-install.sh FOLDER PACKAGE@VERSION
set -eu
here=$(dirname "$0")
command -v npm >/dev/null 2>&1 || "$here/apt-install.sh" npm
npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix "$1" "$2"
