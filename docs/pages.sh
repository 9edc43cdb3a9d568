#!/bin/sh
# The pages with curl alone: signs in, makes an app password, fetches zuliprc, lists what the account is signed in with, and
# signs out. Each step is one form of a page; its hidden field is what the server gave this client, and nobody else.
#
#   docs/pages.sh http://localhost:8080 iago abcd1234 [CODE]
#
# CODE is a code of the authenticator app, or a backup code, for an account that has a second step.
set -eu

site=$1 name=$2 password=$3 code=${4:-}
jar=$(mktemp) page=$(mktemp)
trap 'rm -f "$jar" "$page"' EXIT

# Opens a page.
open() {
    curl -sS --fail -b "$jar" -c "$jar" -o "$page" "$site$1"
}

# The sealed text of the form on the page that is sent to a path.
sealed() {
    sed -n "\\#action=\"$1\"#,\\#</form>#s/.*name=\"form\" value=\"\\([^\"]*\\)\".*/\\1/p" "$page" | head -n 1
}

# Sends the form on the page that is sent to a path, with more fields, and opens the page that follows.
send() {
    path=$1
    shift
    form=$(sealed "$path")
    for field; do
        set -- "$@" --data-urlencode "$field"
        shift
    done
    next=$(curl -sS -b "$jar" -c "$jar" -o "$page" -w '%{http_code} %{redirect_url}' \
        --data-urlencode "form=$form" "$@" "$site$path")
    case $next in
        200*) ;;
        303*) curl -sS --fail -b "$jar" -c "$jar" -o "$page" "${next#303 }" ;;
        *)
            echo "$path: status ${next%% *}" >&2
            sed -n 's/.*class="\(alert\|error\)"[^>]*>\([^<]*\)<.*/\2/p' "$page" >&2
            exit 1
            ;;
    esac
}

# What a page shows as a secret.
secret() {
    sed -n 's/.*class="secret"[^>]*>\([^<]*\)<.*/\1/p' "$page"
}

open /sign-in
send /sign-in "name=$name" "password=$password"
if grep -q 'action="/sign-in/code"' "$page"; then
    send /sign-in/code "code=$code"
fi

open /account/app-passwords
send /account/app-passwords "name=curl, $(date -u +%Y-%m-%dT%H:%M:%SZ)" "ends=30"
echo "app password, for 30 days: $(secret)"

if open /account/zulip 2>/dev/null; then
    send /account/zulip/zuliprc
    cat "$page"
fi

open /account/sessions
sed -n 's/.*class="title">\([^<]*\)<.*/signed in with: \1/p' "$page"

open /account
send /sign-out
echo "signed out"
