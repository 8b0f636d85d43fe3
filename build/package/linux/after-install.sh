#!/bin/sh
# After the files of the package are there.
set -e

[ "$1" = configure ] || exit 0

application='/opt/${sanitizedProductName}'

# Chromium shuts its pages in with user namespaces. Where ordinary users may make none, its helper
# does it with the rights of root.
if command -v runuser >/dev/null && runuser -u nobody -- unshare --user true 2>/dev/null; then
  chmod 0755 "$application/chrome-sandbox"
else
  chmod 4755 "$application/chrome-sandbox"
fi

# Ubuntu 24.04 and later give namespaces to named programs alone. An AppArmor that does not know the
# rule needs none.
profile="$application/resources/apparmor-profile"
if command -v apparmor_parser >/dev/null && [ -d /etc/apparmor.d ]; then
  if apparmor_parser --skip-kernel-load --skip-cache "$profile" 2>/dev/null; then
    install -m 0644 "$profile" '/etc/apparmor.d/${executable}'
    if [ -d /sys/kernel/security/apparmor ]; then
      apparmor_parser --replace '/etc/apparmor.d/${executable}' || true
    fi
  fi
fi

# The user of the headless service. Its settings may hold passwords.
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers syncer.conf
elif ! getent passwd syncer >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/syncer --shell /usr/sbin/nologin syncer
fi
if getent passwd syncer >/dev/null; then
  chown -R syncer:syncer /etc/syncer
  chmod 0750 /etc/syncer
  chmod 0640 /etc/syncer/syncer.yaml
fi

# The service is there to be enabled; installing the package starts nothing.
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if command -v update-desktop-database >/dev/null; then update-desktop-database -q || true; fi
