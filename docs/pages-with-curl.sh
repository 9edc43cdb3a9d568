#!/usr/bin/env bash
# The pages by curl alone: what a browser without scripts does. Other users of a machine can read the arguments of commands.
#
#   export SITE=http://localhost:8080 COOKIES=cookies.txt
#   pages-with-curl.sh sign-in NAME PASSWORD [CODE]
#   pages-with-curl.sh change-password PRESENT NEW
#   pages-with-curl.sh change-details NAME ADDRESS
#   pages-with-curl.sh confirm-address LINK
#   pages-with-curl.sh enrol                          prints the key for an authenticator app, then backup codes
#   pages-with-curl.sh mailed-codes                   turns them on, or off
#   pages-with-curl.sh app-password NAME [PROTOCOL]   prints the password
#   pages-with-curl.sh revoke-app-password NAME
#   pages-with-curl.sh sessions
#   pages-with-curl.sh end-others
#   pages-with-curl.sh zuliprc                        prints the file
#   pages-with-curl.sh request-reset ADDRESS
#   pages-with-curl.sh reset LINK NEW
#   pages-with-curl.sh sign-out
set -euo pipefail
: "${SITE:?the address of the pages}" "${COOKIES:?a file for the session}"

# The page that came last. It holds the forms that can be sent next.
PAGE=

ask() { PAGE=$(curl -sS --location --cookie "$COOKIES" --cookie-jar "$COOKIES" "$@"); }

get() { ask "$SITE$1"; }

# Sends the form that goes to a path, with further fields as NAME=VALUE. Each form holds a sealed text, which goes along.
post() {
  local action=$1 sealed field fields=()
  shift
  sealed=$(sed -n "/action=\"${action//\//\\/}\"/,/name=\"form\"/ s/.*name=\"form\" value=\"\([^\"]*\)\".*/\1/p" <<<"$PAGE")
  for field in "$@"; do fields+=(--data-urlencode "$field"); done
  ask --data-urlencode "form=$(head -n 1 <<<"$sealed")" "${fields[@]}" "$SITE$action"
  refused
}

# Ends with what the page says went wrong.
refused() {
  local title
  title=$(sed -n 's/.*<title>Error: \(.*\)<\/title>.*/\1/p' <<<"$PAGE")
  if [[ $title ]]; then
    { echo "$title"; sed -n '/class="alert"\|class="error"/,/<\/p>/ s/<[^>]*>//gp' <<<"$PAGE"; } >&2
    exit 1
  fi
}

# The texts of the elements that begin with a tag.
texts() { sed -n "s/.*<$1[^>]*>\([^<]*\)<\/.*/\1/p" <<<"$PAGE"; }

secret() { texts 'code class="secret"'; }

# The code that an app with a key shows now.
code() {
  if command -v oathtool >/dev/null; then
    oathtool --totp --base32 "$1"
  else
    python3 -c 'import base64, hmac, struct, sys, time
mac = hmac.digest(base64.b32decode(sys.argv[1] + "=" * (-len(sys.argv[1]) % 8)), struct.pack(">Q", int(time.time()) // 30), "sha1")
print("%06d" % ((struct.unpack_from(">I", mac, mac[-1] & 15)[0] & 0x7FFFFFFF) % 1000000))' "$1"
  fi
}

case ${1-} in
  sign-in)
    get /sign-in
    post /sign-in name="$2" password="$3"
    if [[ $PAGE == *'action="/sign-in/code"'* ]]; then post /sign-in/code code="${4:?a code is asked for}"; fi
    ;;
  change-password)
    get /account/password
    post /account/password password="$2" new="$3"
    ;;
  change-details)
    get /account/details
    post /account/details full-name="$2" address="$3"
    ;;
  confirm-address)
    get "/verify-email/${2##*/}"
    post /verify-email token="${2##*/}"
    ;;
  enrol)
    get /account/two-step
    post /account/two-step/enrol
    key=$(secret)
    key=${key// /}
    echo "$key"
    post /account/two-step/confirm code="$(code "$key")"
    texts li
    ;;
  mailed-codes)
    get /account/two-step
    post /account/two-step/mail
    ;;
  app-password)
    get /account/app-passwords
    post /account/app-passwords name="$2" ${3:+protocol="$3"}
    secret
    ;;
  revoke-app-password)
    get /account/app-passwords
    id=$(sed -n "s/.*value=\"\([^\"]*\)\">Revoke<span class=\"unseen\">: $2<.*/\1/p" <<<"$PAGE")
    post /account/app-passwords/revoke id="$id"
    ;;
  sessions)
    get /account/sessions
    sed -n '/class="title"/ s/<[^>]*>//gp' <<<"$PAGE"
    ;;
  end-others)
    get /account/sessions
    post /account/sessions/end-others
    ;;
  zuliprc)
    get /account/zulip
    post /account/zulip/zuliprc
    printf '%s\n' "$PAGE"
    ;;
  request-reset)
    get /reset-password
    post /reset-password address="$2"
    ;;
  reset)
    get "/reset-password/${2##*/}"
    post /reset-password/new token="${2##*/}" new="$3"
    ;;
  sign-out)
    get /account
    post /sign-out
    ;;
  *)
    sed -n '2,/^set/ s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
