#!/bin/bash
# Tries the Debian package in a Debian that runs systemd: installs, uses, upgrades, removes and purges it.
# The folder of this script holds the package.
set -euo pipefail
trap 'echo "FAILED at line $LINENO: $BASH_COMMAND"; journalctl --no-pager --lines 40 --unit auth-server || true' ERR
export DEBIAN_FRONTEND=noninteractive
package=$(ls "$(dirname "$0")"/auth-server_*.deb)
say() { echo "== $*"; }

# Waits until a command succeeds, for ten seconds at most.
wait_for() {
    for _ in $(seq 100); do
        if "$@" > /dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    "$@"
}

log_in() {
    curl --silent --show-error --fail --data-urlencode username=alice@example.org --data-urlencode password="$1" \
        http://127.0.0.1:8080/api/v1/fetch_api_key
}

find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /trial -o -path '/var/lib/apt*' -o -path '/var/cache*' -o -path '/var/lib/dpkg*' -o -path '/var/log*' \) -prune -o -print | sort > /tmp/before
say "README's chapter, line by line"
sudo() { "$@"; }
export -f sudo
(cd "$(dirname "$0")" && PAGER=cat LESS= bash -euxo pipefail readme.sh)
systemctl is-enabled auth-server
[ "$(stat --format '%U:%G %a' /var/lib/auth-server)" = "auth-server:auth-server 700" ]
[ "$(stat --format '%U:%G %a' /etc/auth-server/auth.toml)" = "root:auth-server 640" ]
[ "$(stat --format '%U:%G %a' /run/auth-server)" = "auth-server:auth-server 750" ]
[ "$(stat --format '%U %a' /var/lib/auth-server/keys.toml)" = "auth-server 600" ]

say "the unit's exposure"
exposure=$(systemd-analyze security --no-pager auth-server.service | sed -n 's/.*exposure level for auth-server.service: \([0-9.]*\).*/\1/p')
echo "exposure $exposure"
awk -v exposure="$exposure" 'BEGIN { exit !(exposure != "" && exposure <= 1.5) }'
systemd-analyze verify --man=no auth-server.service auth-server.socket

say "accounts, without --config"
auth-server user list --json | grep --quiet '"alice"'
key=$(log_in "correct horse battery staple")
echo "$key" | grep --quiet api_key
! log_in "wrong" 2> /dev/null
auth-server backup --config /etc/auth-server/auth.toml /root/copy.db
[ "$(stat --format '%U' /var/lib/auth-server/auth.db)" = auth-server ]
rm -f /root/copy.db*

say "a reload, and a configuration that can't be used"
systemctl reload auth-server
echo "nonsense = true" >> /etc/auth-server/auth.toml
! auth-server config check --config /etc/auth-server/auth.toml 2> /dev/null
systemctl reload auth-server || true
systemctl is-active auth-server
sed --in-place '/^nonsense/d' /etc/auth-server/auth.toml
[ "$(log_in "correct horse battery staple")" = "$key" ]

say "a watchdog and a crash"
systemctl kill --signal KILL auth-server
wait_for systemctl is-active auth-server
wait_for log_in "correct horse battery staple"

say "a port that systemd holds: no connection is refused while the server restarts"
sed --in-place 's/^listen = \["127.*/listen = ["systemd:http"]/' /etc/auth-server/auth.toml
systemctl stop auth-server
systemctl enable --now auth-server.socket
systemctl start auth-server
(for _ in $(seq 200); do curl --silent --output /dev/null --write-out '%{http_code}\n' http://127.0.0.1:8080/api/v1/server_settings; done > /tmp/codes) &
asking=$!
systemctl restart auth-server
systemctl restart auth-server
wait $asking
echo "answers: $(sort /tmp/codes | uniq --count | tr --squeeze-repeats '\n ' ' ')"
[ "$(sort --unique /tmp/codes)" = 200 ]

say "man pages and completions"
test -s /usr/share/man/man1/auth-server.1.gz
test -s /usr/share/man/man1/auth-server-user-add.1.gz
bash -c 'source /usr/share/bash-completion/completions/auth-server && complete -p auth-server' > /dev/null
test -s /usr/share/zsh/vendor-completions/_auth-server
test -s /usr/share/fish/vendor_completions.d/auth-server.fish

say "an upgrade keeps accounts and configuration"
rm -rf /tmp/next && dpkg-deb --raw-extract "$package" /tmp/next
sed --in-place 's/^Version: .*/&+next/' /tmp/next/DEBIAN/control
dpkg-deb --build --root-owner-group /tmp/next /tmp/next.deb > /dev/null
before=$(systemctl show --property MainPID auth-server)
dpkg --install --force-confold /tmp/next.deb
[ "$(systemctl show --property MainPID auth-server)" != "$before" ]
[ "$(log_in "correct horse battery staple")" = "$key" ]
grep --quiet '^listen = \["systemd:http"\]' /etc/auth-server/auth.toml

say "removal keeps accounts and configuration"
dpkg --remove auth-server
! systemctl is-active auth-server
test -s /var/lib/auth-server/auth.db
test -s /etc/auth-server/auth.toml
dpkg --install --force-confold "$package"
[ "$(log_in "correct horse battery staple")" = "$key" ]

say "the scripts run again, and take what an administrator made before"
/var/lib/dpkg/info/auth-server.postinst configure "" > /dev/null 2>&1
log_in "correct horse battery staple" > /dev/null
dpkg --remove auth-server
deluser --quiet --system auth-server
! getent group auth-server || groupdel auth-server
useradd --system --no-user-group --gid nogroup auth-server
chown -R auth-server /var/lib/auth-server
dpkg --install --force-confold "$package"
[ "$(stat --format '%U:%G %a' /var/lib/auth-server)" = "auth-server:auth-server 700" ]
systemctl is-active auth-server
[ "$(log_in "correct horse battery staple")" = "$key" ]

say "a link in place of the folder, which systemd refuses: it is told, and what it leads to outlasts a purge"
systemctl stop auth-server.socket auth-server
mv /var/lib/auth-server /srv/accounts
ln -s /srv/accounts /var/lib/auth-server
dpkg --install --force-confold "$package" 2>&1 | tee /tmp/told
grep --quiet "is a link" /tmp/told
[ "$(stat --format '%U:%G %a' /srv/accounts)" = "auth-server:auth-server 700" ]

say "purge leaves nothing else"
dpkg --purge auth-server
[ "$(stat --format '%U' /srv/accounts /srv/accounts/auth.db | sort --unique)" = root ]
rm -rf /srv/accounts
! getent passwd auth-server
! getent group auth-server
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /trial -o -path '/var/lib/apt*' -o -path '/var/cache*' -o -path '/var/lib/dpkg*' -o -path '/var/log*' \) -prune -o -print | sort > /tmp/after
left=$(comm -13 /tmp/before /tmp/after | grep --invert-match --extended-regexp '^/(etc/(passwd|group|shadow|gshadow|subuid|subgid)-|var/lib/systemd|root)' || true)
[ -z "$left" ] || { echo "left: $left"; false; }
[ ! -e /run/auth-server ]
say "the Debian package holds"
