#!/bin/sh
# After the files of the package are gone. Settings and state go with a purge alone; those of the
# desktop lie with each user and stay.
set -e

if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi

case "$1" in
remove | purge)
  if [ -f '/etc/apparmor.d/${executable}' ]; then
    if [ -d /sys/kernel/security/apparmor ]; then
      apparmor_parser --remove '/etc/apparmor.d/${executable}' || true
    fi
    rm -f '/etc/apparmor.d/${executable}'
  fi
  ;;
esac

if [ "$1" = purge ]; then
  rm -rf /var/lib/syncer /etc/syncer
fi
