#!/bin/sh
# Before the files of the package go.
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl disable --now --quiet syncer.service || true
fi
