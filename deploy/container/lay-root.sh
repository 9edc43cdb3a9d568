#!/bin/sh
# Lays the files of the image: lay-root.sh DEBIAN TARBALL TO
#
# DEBIAN is the root of a Debian with libc6 and ca-certificates, unpacked or installed; TARBALL the unpacked tarball of
# auth-server. The program, the C library, the authorities of TLS, and a configuration: no shell, no package manager.
set -eu

debian=$1
tarball=$2
to=$3

mkdir -p "$to/usr/bin" "$to/etc/auth-server" "$to/etc/ssl/certs" "$to/var/lib/auth-server" "$to/run/auth-server" "$to/tmp" \
    "$to/lib64" "$to/lib/x86_64-linux-gnu" "$to/usr/share/doc/auth-server" "$to/usr/share/doc/libc6"
chmod 1777 "$to/tmp"
chmod 0700 "$to/var/lib/auth-server"
chmod 0750 "$to/run/auth-server"

cp "$tarball/auth-server" "$to/usr/bin/auth-server"
cp "$tarball/THIRD-PARTY" "$tarball/LICENSE-APACHE" "$tarball/LICENSE-MIT" "$to/usr/share/doc/auth-server/"
cp "$tarball/deploy/container/auth.toml" "$to/etc/auth-server/auth.toml"

# The loader, and the libraries that the program and the look-up of names load.
cp -L "$debian/lib64/ld-linux-x86-64.so.2" "$to/lib64/"
for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libutil.so.1 libresolv.so.2; do
    cp -L "$debian/lib/x86_64-linux-gnu/$library" "$to/lib/x86_64-linux-gnu/"
done
cp "$debian/usr/share/doc/libc6/copyright" "$to/usr/share/doc/libc6/"

for authority in "$debian"/usr/share/ca-certificates/mozilla/*.crt; do
    cat "$authority"
    echo
done > "$to/etc/ssl/certs/ca-certificates.crt"

printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'auth-server:x:10001:10001::/var/lib/auth-server:/sbin/nologin' > "$to/etc/passwd"
printf '%s\n' 'root:x:0:' 'auth-server:x:10001:' > "$to/etc/group"
printf '%s\n' 'hosts: files dns' > "$to/etc/nsswitch.conf"
